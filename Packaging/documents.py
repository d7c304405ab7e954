# SPDX-License-Identifier: MIT
"""Copies what users read into a release: FOLDER.

README.md, and all that leads from it to documents, pictures and examples of the repository; and the examples that documents
name in commands. Sources, tests, tools and benchmarks stay behind: a link to one of them becomes its plain words. In
FOLDER, 'Weights' leads to the models, which lie in ../../swiftnet of it. Fails where a link leads nowhere."""

import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
# Found by no link: documents name them in commands, errors name the form of model.json.
NAMED = [
    "README.md", "CHANGELOG.md", "Documentation/model.schema.json", "Examples/digit.png", "Examples/photo.jpg", "Examples/blackboard.png",
    "Examples/mnist-form.png", "Examples/onnx-classifier/digits.onnx", "Examples/systemd", "Examples/nginx", "Examples/cluster",
    "Examples/kubernetes", "Examples/container",
]
LEFT_BEHIND = ("Sources/", "Tests/", "Tools/", "Benchmarks/", "Protos/", "Examples/own-network/", "Examples/onnx-classifier/Sources/")
# Of what is left behind, the figures that the documents lead to.
TAKEN = ("Benchmarks/peers/results.md", "Benchmarks/peers/results.svg", "Benchmarks/peers/accuracy.md", "Benchmarks/serving/results.md")
LINK = re.compile(r"(!?)\[([^\]]*)\]\((<?)([^)\s>#]*)(#[^)\s>]*)?(>?)\)")


def is_shipped(name):
    return name in TAKEN or not f"{name}/".startswith(LEFT_BEHIND)


class Documents:
    def __init__(self, folder):
        self.folder, self.wanted, self.seen = folder, list(NAMED), set()

    def copy(self):
        while self.wanted:
            name = self.wanted.pop(0)
            if name in self.seen:
                continue
            self.seen.add(name)
            source = ROOT / name
            if source.is_dir():
                listed = subprocess.run(["git", "ls-files", "-z", name], cwd=ROOT, capture_output=True, text=True, check=True)
                self.wanted += listed.stdout.split("\0")[:-1]
                continue
            if name.startswith("Weights/"):
                continue
            target = self.folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.suffix == ".md":
                target.write_text(self.text(source))
            else:
                shutil.copyfile(source, target)
        models = self.folder / "Weights"
        if not models.is_symlink():
            models.symlink_to("../../swiftnet")

    def text(self, source):
        """A document's text, in which links that would lead to what is left behind are words."""

        def replaced(match):
            target = match[4]
            if not target or re.match(r"[a-z+]+:", target):
                return match[0]
            name = os.path.relpath((source.parent / target).resolve(), ROOT)
            if name.startswith("..") or not (ROOT / name).exists():
                sys.exit(f"error: {source.relative_to(ROOT)} leads to {target}, which is not there")
            if not is_shipped(name):
                return match[2]
            self.wanted.append(name)
            return match[0]

        # Blocks of code are left as they are.
        parts = re.split(r"(^```.*?^```)", source.read_text(), flags=re.M | re.S)
        return "".join(part if part.startswith("```") else LINK.sub(replaced, part) for part in parts)


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    Documents(folder).copy()


if __name__ == "__main__":
    main()
