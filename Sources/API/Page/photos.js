// SPDX-License-Identifier: MIT
// Photos, as they came and upright.

import { t, onLanguage, percent } from './words.js';
import { ask, curl, Problem, typeOf } from './server.js';
import { byId, canShow, commandBox, make, showProblem, takeDrops } from './parts.js';

/** Photos in the order in which they were given. */
let photos = [];
let isWorking = false;
let updateCommand = () => {};

const path = () => `/rotate?views=${byId('four-views').checked ? 4 : 1}`;

/** 'beach.jpg' gives 'beach-upright.jpg'; the ending is that of what the server made. */
function uprightName(name, type) {
  const ending = { 'image/jpeg': 'jpg', 'image/png': 'png', 'image/webp': 'webp', 'image/heic': 'heic', 'image/avif': 'avif' }[type];
  const dot = name.lastIndexOf('.');
  const stem = dot > 0 ? name.slice(0, dot) : name;
  return `${stem}-upright.${ending ?? (dot > 0 ? name.slice(dot + 1) : 'jpg')}`;
}

export function addPhotos(files) {
  for (const file of files) {
    const photo = { file, before: URL.createObjectURL(file), state: 'waiting', card: null };
    photos.push(photo);
    photo.card = make('li', { 'aria-busy': 'true' });
    byId('photo-cards').append(photo.card);
    showCard(photo);
  }
  work();
}

/** Turns photos, one after the other: the server has other guests. */
async function work() {
  showCount();
  if (isWorking) return;
  isWorking = true;
  for (let photo; (photo = photos.find(({ state }) => state === 'waiting'));) {
    photo.state = 'working';
    showCard(photo);
    try {
      const response = await ask(path(), { method: 'POST', body: photo.file, type: typeOf(photo.file) });
      const picture = await response.blob();
      photo.answer = {
        turned: Number(response.headers.get('Turned-Degree')),
        confidence: Number(response.headers.get('Confidence')),
        exif: Number(response.headers.get('Exif-Degree')),
        name: uprightName(photo.file.name, picture.type),
      };
      photo.after = URL.createObjectURL(picture);
      photo.state = 'done';
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      photo.problem = error;
      photo.state = 'failed';
    }
    showCard(photo);
    showCount();
  }
  isWorking = false;
}

function figure(source, alternative, caption) {
  const image = make('img', { src: source, alt: alternative });
  const result = make('figure', {}, image, make('figcaption', {}, caption));
  // What the browser can't decode, the server may: say so in the picture's place.
  canShow(image).then((shown) => { if (!shown) image.replaceWith(make('div', { class: 'frame' }, t('noPreview'))); });
  return result;
}

function pending(photo) {
  const words = photo.state === 'failed' ? t('photoFailed') : t(photo.state);
  const frame = make('div', { class: photo.state === 'working' ? 'frame working' : 'frame' }, words);
  return make('figure', {}, frame, make('figcaption', {}, t('upright')));
}

function showCard(photo) {
  const { file, answer, card } = photo;
  const title = make('h3', {}, file.name);
  const pictures = make('div', { class: 'pair' },
    figure(photo.before, t('beforeAlt', file.name), t('asItCame')),
    photo.state === 'done' ? figure(photo.after, t('afterAlt', file.name), t('upright')) : pending(photo));
  const parts = [title, pictures];
  if (photo.state === 'done') {
    const words = [t(`turned${answer.turned}`), t('confidence', percent(answer.confidence))];
    if (answer.exif) words.push(t('exif', answer.exif));
    parts.push(make('p', { class: 'found' }, words.join(' · ')));
  }
  if (photo.problem) {
    const box = make('p', { class: 'problem', role: 'alert' });
    showProblem(box, photo.problem, `${file.name}:`);
    parts.push(box);
  }
  parts.push(make('div', { class: 'row' },
    photo.state === 'done' ? make('a', { class: 'button strong', href: photo.after, download: answer.name }, t('downloadUpright', answer.name)) : null,
    make('button', { type: 'button', 'aria-label': t('removeOne', file.name), onclick: () => remove(photo) }, t('remove'))));
  card.setAttribute('aria-busy', String(photo.state === 'waiting' || photo.state === 'working'));
  card.replaceChildren(...parts);
}

function remove(photo) {
  URL.revokeObjectURL(photo.before);
  if (photo.after) URL.revokeObjectURL(photo.after);
  const next = photo.card.nextElementSibling ?? photo.card.previousElementSibling;
  photos = photos.filter((other) => other !== photo);
  photo.card.remove();
  (next?.querySelector('button') ?? byId('photo-input')).focus();
  showCount();
}

function showCount() {
  const done = photos.filter(({ state }) => state === 'done' || state === 'failed').length;
  byId('photo-count').textContent = photos.length ? t('photoCount', done, photos.length) : '';
  byId('photo-clear').hidden = photos.length === 0;
}

/** Says whether the server has a model for photos. */
export function setCanRotate(can) {
  byId('photos-none').hidden = can;
  byId('photos-body').hidden = !can;
}

export function startPhotos() {
  byId('photo-input').addEventListener('change', (event) => {
    addPhotos([...event.target.files]);
    event.target.value = '';
  });
  byId('photo-clear').addEventListener('click', () => { for (const photo of [...photos]) remove(photo); });
  byId('four-views').addEventListener('change', () => updateCommand());
  takeDrops(byId('photo-drop'), addPhotos);
  updateCommand = commandBox(byId('photo-curl'), () =>
    curl(path(), { pairs: [['-H', 'Content-Type: image/jpeg'], ['--data-binary', '@photo.jpg']], output: 'photo-upright.jpg' }));
  onLanguage(() => {
    photos.forEach(showCard);
    showCount();
  });
}

/** Shows the command anew, after a key was given for example. */
export const refreshPhotoCommand = () => updateCommand();
