# What the page's tests need: Debian's Chromium with Korean fonts, and a virtual environment. Sourced from the package's folder.
missing=()
command -v chromium >/dev/null || missing+=(chromium)
[ -e /usr/share/doc/fonts-noto-cjk ] || missing+=(fonts-noto-cjk)
if [ ${#missing[@]} -gt 0 ]; then
    as_root=()
    [ "$(id -u)" -eq 0 ] || as_root=(sudo)
    echo "Installing Debian packages: ${missing[*]}"
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi
if ! Tools/page/.venv/bin/python -c 'import playwright, axe_playwright_python' 2>/dev/null; then
    python3 -m venv Tools/page/.venv
    Tools/page/.venv/bin/pip install --quiet -r Tools/page/requirements.txt
fi
