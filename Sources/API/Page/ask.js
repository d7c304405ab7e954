// SPDX-License-Identifier: MIT
// Any model of the repository, asked about one picture.

import { t, onLanguage, percent } from './words.js';
import { ask, curl, Problem, typeOf } from './server.js';
import { byId, canShow, commandBox, fillChoice, showBars, showProblem, takeDrops } from './parts.js';
import { drawing } from './draw.js';

let models = [];
/** The picture that is asked about: a file, or the drawing. */
let picture = null;
let isDrawing = false;
let source = null;
let result = null;
let problem = null;
let asked = 0;
let updateCommand = () => {};

const chosen = () => models.find(({ id }) => id === byId('ask-model').value) ?? models[0];
const name = () => (isDrawing ? t('theDrawing') : picture?.name ?? '');

/** The route of a model. One version of several is asked by the protocol that names versions. */
function route(model) {
  if (!model || model.isNewest) return `/predict/${encodeURIComponent(model?.name ?? 'mnist')}?prepared=true`;
  return `/v2/models/${encodeURIComponent(model.name)}/versions/${encodeURIComponent(model.version)}/infer`;
}

/** A request of the Open Inference Protocol for the likeliest classes of a picture. */
function openInferenceBody(base64, classes) {
  return JSON.stringify({
    inputs: [{ name: 'image', datatype: 'BYTES', shape: [1], data: [base64] }],
    outputs: [{ name: 'probabilities', parameters: { classification: Math.min(10, classes) } }],
  });
}

async function base64(blob) {
  const url = await new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(new Problem(415));
    reader.readAsDataURL(blob);
  });
  return url.slice(url.indexOf(',') + 1);
}

/** The likeliest classes, [label, probability], and what the network sees if the route tells it. */
async function answer(model) {
  if (model.isNewest) {
    const reply = await (await ask(route(model), { method: 'POST', body: picture, type: typeOf(picture) })).json();
    return { scores: Object.entries(reply.scores).sort(([, a], [, b]) => b - a), prepared: reply.prepared };
  }
  const body = openInferenceBody(await base64(picture), model.classes);
  const reply = await (await ask(route(model), { method: 'POST', body, type: 'application/json' })).json();
  return {
    scores: reply.outputs[0].data.map((entry) => {
      const [share, , ...label] = entry.split(':');
      return [label.join(':'), Number(share)];
    }),
  };
}

async function run() {
  const model = chosen();
  if (!picture || !model) return;
  const turn = ++asked;
  let outcome;
  try {
    outcome = { result: { ...await answer(model), model } };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    outcome = { problem: error };
  }
  // An answer to an older question is not shown over a newer one's.
  if (turn !== asked) return;
  result = outcome.result ?? null;
  problem = outcome.problem ?? null;
  show();
}

function show() {
  showProblem(byId('ask-problem'), problem);
  const scores = result?.scores ?? [];
  showBars(byId('ask-bars'), scores);
  byId('ask-verdict').textContent =
    scores.length ? t('askVerdict', result.model.name, name(), scores[0][0], percent(scores[0][1])) : '';
  byId('ask-pictures').hidden = !picture;
  const seen = byId('ask-seen');
  seen.closest('figure').hidden = !result?.prepared;
  if (result?.prepared) {
    seen.src = result.prepared;
    seen.alt = t('seenAlt', ...result.model.size);
  }
  byId('ask-picture').alt = t('pictureAlt', name());
}

async function take(file, fromDrawing = false) {
  picture = file;
  isDrawing = fromDrawing;
  result = problem = null;
  if (source) URL.revokeObjectURL(source);
  source = URL.createObjectURL(file);
  const image = byId('ask-picture');
  image.src = source;
  canShow(image).then((shown) => { image.closest('figure').hidden = !shown; });
  show();
  await run();
}

/** Takes the models that are served. */
export function setModels(list) {
  models = list;
  fillChoice(byId('ask-model'), list.map((model) => [model.id, model.isOnly ? model.name : `${model.name}, ${model.version}`]));
  updateCommand();
}

export const takePicture = (file) => take(file);

export function startAsking() {
  byId('ask-input').addEventListener('change', (event) => {
    if (event.target.files[0]) take(event.target.files[0]);
    event.target.value = '';
  });
  byId('ask-drawing').addEventListener('click', async () => {
    const sheet = await drawing();
    if (sheet) return take(sheet, true);
    byId('ask-verdict').textContent = t('drawFirst');
  });
  byId('ask-model').addEventListener('change', () => { updateCommand(); run(); });
  takeDrops(byId('ask-drop'), ([file]) => take(file));
  updateCommand = commandBox(byId('ask-curl'), () => {
    const model = chosen();
    if (!model || model.isNewest) return curl(route(model), { pairs: [['-H', 'Content-Type: image/png'], ['--data-binary', '@picture.png']] });
    return `printf '%s' '${openInferenceBody("'\"$(base64 -w0 picture.png)\"'", model.classes)}' |\n`
      + curl(route(model), { pairs: [['-H', 'Content-Type: application/json'], ['--data-binary', '@-']] });
  });
  onLanguage(show);
}

/** Shows the command anew, after a key was given for example. */
export const refreshAskCommand = () => updateCommand();
