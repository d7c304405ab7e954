// SPDX-License-Identifier: MIT
// The page: language, colours, the key, and who serves; each section has a file of its own.

import { t, currentLanguage, languages, onLanguage, setLanguage } from './words.js';
import { ask, hasKey, onKeyWanted, Problem, setKey } from './server.js';
import { byId } from './parts.js';
import { refreshDrawCommand, setDigitModels, startDrawing } from './draw.js';
import { addPhotos, refreshPhotoCommand, setCanRotate, startPhotos } from './photos.js';
import { refreshAskCommand, setModels, startAsking, takePicture } from './ask.js';
import { pause, readMetrics, refreshRunningCommand, setRunningModels, startRunning } from './running.js';

// MARK: Language and colours

function remembered(name) {
  try { return localStorage.getItem(name); } catch { return null; }
}

function remember(name, value) {
  try { localStorage.setItem(name, value); } catch { /* then it holds for this visit */ }
}

function startLanguage() {
  const buttons = [...document.querySelectorAll('[data-language]')];
  for (const button of buttons) {
    button.addEventListener('click', () => {
      setLanguage(button.dataset.language);
      remember('swiftnet-language', button.dataset.language);
    });
  }
  onLanguage(() => {
    for (const button of buttons) button.setAttribute('aria-pressed', String(button.dataset.language === currentLanguage()));
  });
  const wanted = [remembered('swiftnet-language'), ...navigator.languages.map((name) => name.slice(0, 2))];
  setLanguage(wanted.find((name) => languages.includes(name)) ?? 'en');
}

function startTheme() {
  const select = byId('theme');
  const apply = () => {
    if (select.value === 'auto') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = select.value;
  };
  select.value = remembered('swiftnet-theme') ?? 'auto';
  if (!select.value) select.value = 'auto';
  apply();
  select.addEventListener('change', () => { apply(); remember('swiftnet-theme', select.value); });
}

/** Marks the section that is being read. */
function startNavigation() {
  const links = new Map([...document.querySelectorAll('nav a')].map((link) => [link.hash.slice(1), link]));
  const shown = new Set();
  const watch = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) isIntersecting ? shown.add(target.id) : shown.delete(target.id);
    const first = [...links.keys()].find((id) => shown.has(id));
    for (const [id, link] of links) id === first ? link.setAttribute('aria-current', 'true') : link.removeAttribute('aria-current');
  }, { rootMargin: '-20% 0px -55% 0px' });
  for (const id of links.keys()) watch.observe(byId(id));
}

// MARK: The key

let isLocked = false;
let isDeclined = false;

function startKey() {
  const dialog = byId('key-dialog');
  const open = (isWrong) => {
    byId('key-problem').hidden = !isWrong;
    byId('key-problem').textContent = isWrong ? t('keyWrong') : '';
    byId('key-forget').hidden = !hasKey();
    if (!dialog.open) dialog.showModal();
    byId('key-input').focus();
  };
  onKeyWanted((isWrong) => {
    isLocked = true;
    byId('key-button').hidden = false;
    if (!isDeclined) open(isWrong);
  });
  byId('key-button').addEventListener('click', () => open(false));
  byId('key-cancel').addEventListener('click', () => dialog.close());
  dialog.addEventListener('close', () => { isDeclined = isLocked; });
  byId('key-forget').addEventListener('click', () => { setKey(''); dialog.close(); refresh(); });
  byId('key-form').addEventListener('submit', (event) => {
    event.preventDefault();
    setKey(byId('key-input').value.trim());
    byId('key-input').value = '';
    isLocked = isDeclined = false;
    dialog.close();
    refresh();
  });
  byId('key-button').hidden = !hasKey();
}

function refreshCommands() {
  refreshDrawCommand();
  refreshPhotoCommand();
  refreshAskCommand();
  refreshRunningCommand();
}

// MARK: Who serves

let state = '';

function showState(next, version) {
  state = next;
  byId('state-dot').className = `dot ${next === 'stateReady' ? 'good' : 'bad'}`;
  byId('state-text').textContent = next ? t(next) : '';
  if (version) byId('version').textContent = version;
  byId('alarm').hidden = next !== 'stateGone';
  byId('alarm').textContent = next === 'stateGone' ? t('errorGone') : '';
}

/** What the server tells of one model. */
async function describe({ name, version }, newest) {
  const path = `/v2/models/${encodeURIComponent(name)}/versions/${encodeURIComponent(version)}`;
  const [metadata, configuration] = await Promise.all([path, `${path}/config`].map(async (part) => (await ask(part)).json()));
  const pixels = metadata.inputs.find(({ name }) => name === 'pixels');
  const [height, width] = pixels ? pixels.shape.slice(1) : metadata.inputs[0].shape.slice(2);
  return {
    id: `${name}@${version}`, name, version, isNewest: newest.get(name) === version,
    isOnly: metadata.versions.length === 1, size: [width, height].filter(Boolean),
    takesPictures: metadata.inputs.some(({ name, datatype }) => name === 'image' && datatype === 'BYTES'),
    network: metadata.platform.replace(/^swiftnet_/, ''),
    classes: metadata.outputs[0].shape.at(-1), task: configuration.parameters?.task?.string_value,
  };
}

/** Learns which models are served. */
async function readModels() {
  const index = await (await ask('/v2/repository/index', { method: 'POST', body: '{"ready":true}', type: 'application/json' })).json();
  const newest = new Map();
  for (const { name, version } of index) if (!newest.has(name)) newest.set(name, version);
  const models = await Promise.all(index.map((entry) => describe(entry, newest)));
  setModels(models.filter(({ takesPictures }) => takesPictures));
  setRunningModels(models);
  setDigitModels(models.filter(({ task, isNewest }) => task === 'digits' && isNewest));
  setCanRotate(models.some(({ task }) => task === 'rotation'));
}

/** What the metrics named of models when they were last learnt, and when that was, in milliseconds. */
let [known, knownSince] = ['', 0];
const knownFor = 30_000;

async function look() {
  try {
    const ready = await fetch('/v2/health/ready', { cache: 'no-store' }).catch(() => { throw new Problem(0); });
    const wasGone = state === 'stateGone';
    if (isLocked) return showState('stateLocked');
    const named = await readMetrics();
    // The numbers name the models: so these are asked for only when others are served.
    const isKnown = named === null ? performance.now() - knownSince < knownFor : named === known;
    if (wasGone || knownSince === 0 || !isKnown) {
      await readModels();
      [known, knownSince] = [named, performance.now()];
    }
    showState(ready.ok ? 'stateReady' : 'stateDraining');
    if (!byId('version').textContent) byId('version').textContent = (await (await ask('/v2')).json()).version;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    showState(error.status === 0 ? 'stateGone' : error.status === 401 ? 'stateLocked' : state || 'stateReady');
  }
}

let isLooking = false;
let wantsLook = false;

/** Looks at the server now, and shows it. */
async function refresh() {
  refreshCommands();
  wantsLook = true;
  if (isLooking) return;
  isLooking = true;
  try {
    while (wantsLook) { wantsLook = false; await look(); }
  } finally {
    isLooking = false;
  }
}

// MARK: Start

/** A picture that is pasted goes to the section where the focus is, else to the photos. */
function startPasting() {
  document.addEventListener('paste', (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (!files.length) return;
    event.preventDefault();
    if (byId('ask').contains(document.activeElement) || byId('photos-body').hidden) takePicture(files[0]);
    else addPhotos(files);
  });
  // A file that misses its place must not take the page away.
  for (const name of ['dragover', 'drop']) document.addEventListener(name, (event) => event.preventDefault());
}

startTheme();
startLanguage();
startKey();
startDrawing();
startPhotos();
startAsking();
startRunning();
startNavigation();
startPasting();
onLanguage(() => showState(state));
refresh();
setInterval(() => { if (document.visibilityState === 'visible') refresh(); }, pause);
document.addEventListener('visibilitychange', () => { if (document.visibilityState === 'visible') refresh(); });
