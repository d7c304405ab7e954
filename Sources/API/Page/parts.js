// SPDX-License-Identifier: MIT
// Small things that several sections show.

import { t, onLanguage, percent } from './words.js';

export const byId = (id) => document.getElementById(id);

/** Makes an element: its attributes, then what is in it. */
export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === 'class') element.className = value;
    else if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
    else if (value === true) element.setAttribute(key, '');
    else if (value !== false && value != null) element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child != null));
  return element;
}

/** Says what went wrong, or nothing. The server's own words are English, whatever the page's language. */
export function showProblem(element, problem, lead) {
  element.hidden = !problem;
  if (!problem) return element.replaceChildren();
  element.replaceChildren(lead ? `${lead} ${problem.sentence}` : problem.sentence);
  if (problem.detail) element.append(make('small', { lang: 'en' }, problem.detail));
}

/** Shows a row for each class: [label, probability]. The rows stay, so that bars move rather than jump. */
export function showBars(list, scores) {
  while (list.children.length > scores.length) list.lastElementChild.remove();
  while (list.children.length < scores.length) {
    const fill = make('span', { class: 'fill' });
    list.append(make('li', {}, make('span', { class: 'name' }), make('span', { class: 'track', 'aria-hidden': 'true' }, fill), make('span', { class: 'share' })));
  }
  list.style.setProperty('--label', `${Math.min(18, Math.max(1, ...scores.map(([label]) => [...label].length)))}ch`);
  const best = Math.max(...scores.map(([, share]) => share));
  scores.forEach(([label, share], index) => {
    const row = list.children[index];
    row.classList.toggle('best', share === best && share > 0);
    row.querySelector('.name').textContent = label;
    row.querySelector('.share').textContent = share == null ? '' : percent(share);
    row.querySelector('.fill').style.width = `${100 * (share ?? 0)}%`;
  });
}

/** A command, with a button that copies it where the browser lets a page do so. */
export function commandBox(code, text) {
  const show = () => { code.textContent = text(); };
  onLanguage(show);
  const box = code.closest('.code');
  if (navigator.clipboard && window.isSecureContext) {
    const button = make('button', { type: 'button', class: 'plain' });
    onLanguage(() => { button.textContent = t('copy'); });
    button.addEventListener('click', async () => {
      try {
        await navigator.clipboard.writeText(code.textContent);
        button.textContent = t('copied');
        setTimeout(() => { button.textContent = t('copy'); }, 2000);
      } catch { /* the browser asked, and the person said no */ }
    });
    box.append(button);
  }
  return show;
}

/** Fills a list to choose from, and keeps the choice if it is still there. */
export function fillChoice(select, entries) {
  const before = select.value;
  select.replaceChildren(...entries.map(([value, label]) => make('option', { value }, label)));
  if (entries.some(([value]) => value === before)) select.value = before;
}

/** Lets files be dropped on an element. */
export function takeDrops(element, take) {
  for (const name of ['dragenter', 'dragover']) {
    element.addEventListener(name, (event) => { event.preventDefault(); element.classList.add('over'); });
  }
  element.addEventListener('dragleave', (event) => {
    if (!element.contains(event.relatedTarget)) element.classList.remove('over');
  });
  element.addEventListener('drop', (event) => {
    event.preventDefault();
    element.classList.remove('over');
    if (event.dataTransfer.files.length) take([...event.dataTransfer.files]);
  });
}

/** Waits until an element's picture is decoded; tells whether it can be shown. */
export const canShow = (image) => image.decode().then(() => true, () => false);
