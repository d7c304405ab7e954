// SPDX-License-Identifier: MIT
// A digit drawn by mouse, pen, finger or keyboard, answered while it is drawn.

import { t, onLanguage, percent } from './words.js';
import { ask, curl, Problem } from './server.js';
import { byId, commandBox, fillChoice, showBars, showProblem } from './parts.js';

const paper = byId('paper');
const context = paper.getContext('2d');
const cursor = byId('cursor');
const lineWidth = 44;
const step = 20;

/** Strokes, each a row of points in the paper's own pixels. */
let strokes = [];
let models = [];
let result = null;
let problem = null;
let pen = { x: paper.width / 2, y: paper.height / 2, stroke: null };
let isAsking = false;
let isStale = false;
let announcing;
/** Whether a pointer is down: what has just begun is no digit yet, which is no mistake. */
let isDrawing = false;

function redraw() {
  // Ink and paper do not follow the theme: what is sent is what is seen.
  context.fillStyle = '#ffffff';
  context.fillRect(0, 0, paper.width, paper.height);
  context.strokeStyle = context.fillStyle = '#15130f';
  context.lineWidth = lineWidth;
  context.lineCap = context.lineJoin = 'round';
  for (const stroke of strokes) {
    context.beginPath();
    const [first, ...rest] = stroke;
    if (rest.length === 0) {
      context.arc(first.x, first.y, lineWidth / 2, 0, 2 * Math.PI);
      context.fill();
      continue;
    }
    context.moveTo(first.x, first.y);
    for (const point of rest) context.lineTo(point.x, point.y);
    context.stroke();
  }
  byId('invitation').hidden = strokes.length > 0;
  byId('draw-undo').disabled = byId('draw-clear').disabled = strokes.length === 0;
  byId('draw-save').setAttribute('aria-disabled', String(strokes.length === 0));
}

/** The drawing as a PNG file; null while the paper is empty. */
export function drawing() {
  if (strokes.length === 0) return Promise.resolve(null);
  return new Promise((resolve) => paper.toBlob(resolve, 'image/png'));
}

const chosenModel = () => models.find((model) => model.id === byId('draw-model').value) ?? models[0];
const path = () => `/predict/${encodeURIComponent(chosenModel()?.name ?? 'mnist')}?prepared=true`;

/** Asks for an answer to what is drawn now; of what is drawn meanwhile only the last is asked for. */
async function changed() {
  redraw();
  isStale = true;
  if (isAsking || !chosenModel()) return;
  isAsking = true;
  while (isStale) {
    isStale = false;
    try {
      const picture = await drawing();
      result = picture ? await (await ask(path(), { method: 'POST', body: picture, type: 'image/png' })).json() : null;
      problem = null;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      problem = error;
      result = null;
    }
    show();
  }
  isAsking = false;
}

function show() {
  const digits = Array.from({ length: 10 }, (_, digit) => String(digit));
  showBars(byId('digit-bars'), digits.map((digit) => [digit, result ? result.scores[digit] ?? 0 : null]));
  byId('digit').textContent = result?.label ?? '–';
  const seen = byId('seen');
  seen.hidden = !result?.prepared;
  if (result?.prepared) {
    seen.src = result.prepared;
    seen.alt = t('seenAlt', 28, 28);
  }
  const isUnfinished = isDrawing && problem?.status === 422;
  showProblem(byId('draw-problem'), isUnfinished ? null : problem, problem?.status === 422 ? t('notADigit') : '');
  const words = result ? t('verdict', result.label, percent(result.confidence)) : problem ? '' : t('nothingDrawn');
  // What moves with each point is spoken only once the pen rests.
  clearTimeout(announcing);
  announcing = setTimeout(() => { byId('verdict').textContent = words; }, result ? 150 : 0);
}

// MARK: The pen

function place(event) {
  const box = paper.getBoundingClientRect();
  return { x: (event.clientX - box.left) * paper.width / box.width, y: (event.clientY - box.top) * paper.height / box.height };
}

function begin(point) {
  const stroke = [point];
  strokes.push(stroke);
  changed();
  return stroke;
}

function listenToPointer() {
  let stroke = null;
  let pointer = null;
  paper.addEventListener('pointerdown', (event) => {
    if (event.button !== 0 || stroke) return;
    event.preventDefault();
    paper.focus({ preventScroll: true });
    cursor.hidden = true;
    paper.setPointerCapture(event.pointerId);
    pointer = event.pointerId;
    isDrawing = true;
    stroke = begin(place(event));
  });
  paper.addEventListener('pointermove', (event) => {
    if (!stroke || event.pointerId !== pointer) return;
    const events = event.getCoalescedEvents?.() ?? [];
    for (const part of events.length ? events : [event]) stroke.push(place(part));
    changed();
  });
  for (const name of ['pointerup', 'pointercancel']) {
    paper.addEventListener(name, (event) => {
      if (event.pointerId !== pointer) return;
      stroke = pointer = null;
      isDrawing = false;
      show();
    });
  }
}

function showCursor() {
  cursor.hidden = document.activeElement !== paper || !paper.matches(':focus-visible');
  cursor.classList.toggle('down', pen.stroke !== null);
  cursor.style.left = `${100 * pen.x / paper.width}%`;
  cursor.style.top = `${100 * pen.y / paper.height}%`;
}

function say(key) { byId('verdict').textContent = t(key); }

function listenToKeys() {
  const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  paper.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (moves[event.key]) {
      const [x, y] = moves[event.key];
      const within = (value) => Math.min(Math.max(value, lineWidth / 2), paper.width - lineWidth / 2);
      pen.x = within(pen.x + step * x);
      pen.y = within(pen.y + step * y);
      if (pen.stroke) {
        pen.stroke.push({ x: pen.x, y: pen.y });
        changed();
      }
    } else if (event.key === ' ') {
      pen.stroke = pen.stroke ? null : begin({ x: pen.x, y: pen.y });
      say(pen.stroke ? 'penDown' : 'penUp');
    } else if (event.key === 'Backspace') {
      undo();
    } else if (event.key === 'Delete') {
      clear();
    } else {
      return;
    }
    event.preventDefault();
    showCursor();
  });
  for (const name of ['focus', 'blur']) paper.addEventListener(name, showCursor);
}

function undo() {
  strokes.pop();
  pen.stroke = null;
  changed();
}

function clear() {
  strokes = [];
  pen.stroke = null;
  say('paperCleared');
  changed();
}

// MARK: Wiring

/** Takes the models that answer digits. */
export function setDigitModels(list) {
  models = list;
  byId('draw-none').hidden = list.length > 0;
  byId('draw-body').hidden = list.length === 0;
  byId('draw-choice').hidden = list.length < 2;
  fillChoice(byId('draw-model'), list.map((model) => [model.id, model.name]));
  updateCommand();
}

let updateCommand = () => {};

export function startDrawing() {
  listenToPointer();
  listenToKeys();
  byId('draw-clear').addEventListener('click', clear);
  byId('draw-undo').addEventListener('click', undo);
  byId('draw-model').addEventListener('change', () => { updateCommand(); changed(); });
  byId('draw-save').addEventListener('click', (event) => {
    // Made when it is wanted: a link whose file is the paper as it is.
    if (strokes.length === 0) return event.preventDefault();
    event.currentTarget.href = paper.toDataURL('image/png');
  });
  updateCommand = commandBox(byId('draw-curl'), () =>
    curl(path(), { pairs: [['-H', 'Content-Type: image/png'], ['--data-binary', '@digit.png']] }));
  redraw();
  onLanguage(show);
}

/** Shows the command anew, after a key was given for example. */
export const refreshDrawCommand = () => updateCommand();
