// SPDX-License-Identifier: MIT
// What runs: models, workers, requests and their latency, from /metrics.

import { t, onLanguage, number } from './words.js';
import { ask, curl } from './server.js';
import { byId, commandBox, make } from './parts.js';

const seconds = 2;
const samplesShown = 60;
/** Routes whose requests are work; probes and what this page asks for by itself are left out. */
const isWork = (route) => !['health', 'metrics', 'page', 'other', 'admin'].includes(route);

let models = [];
/** Numbers of the last two minutes, oldest first. */
let samples = [];
let notice = '';

/** Reads the text format of Prometheus: a list of {name, labels, value}. */
export function parse(text) {
  const lines = [];
  for (const line of text.split('\n')) {
    const found = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line);
    if (!found) continue;
    const labels = Object.fromEntries([...(found[2] ?? '').matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key, value]) => [key, value]));
    lines.push({ name: found[1].replace(/^swiftnet_/, ''), labels, value: Number(found[3]) });
  }
  return lines;
}

function sample(lines) {
  const all = (name) => lines.filter((line) => line.name === name);
  const sum = (list) => list.reduce((total, { value }) => total + value, 0);
  const one = (name) => sum(all(name));
  const requests = all('requests_total').filter(({ labels }) => isWork(labels.route));
  const buckets = new Map();
  for (const { labels, value } of all('request_duration_seconds_bucket')) {
    if (isWork(labels.route)) buckets.set(labels.le, (buckets.get(labels.le) ?? 0) + value);
  }
  const info = all('info')[0]?.labels ?? {};
  return {
    time: performance.now() / 1000, mode: info.mode, threads: one('worker_threads'), workers: one('workers_ready'),
    requests: sum(requests), failures: sum(requests.filter(({ labels }) => !['200', 'OK'].includes(labels.code))),
    queue: one('queue_length'), buckets,
    // What each has alone, and once what they share.
    bytes: sum(all('worker_private_bytes')) + Math.max(0, ...all('worker_shared_bytes').map(({ value }) => value)),
    images: new Map(all('model_images_total').map(({ labels, value }) => [`${labels.model}@${labels.version}`, value])),
  };
}

/** The time within which a share of the requests between two samples was answered, in seconds; null without requests. */
export function quantile(share, first, last) {
  const counts = [...last.buckets].map(([bound, count]) => [bound === '+Inf' ? Infinity : Number(bound), count - (first?.buckets.get(bound) ?? 0)])
    .sort(([a], [b]) => a - b);
  const all = counts.at(-1)?.[1] ?? 0;
  if (!(all > 0)) return null;
  let [lower, below] = [0, 0];
  for (const [bound, count] of counts) {
    if (count >= share * all) {
      return bound === Infinity ? lower : lower + (bound - lower) * (share * all - below) / Math.max(count - below, 1);
    }
    [lower, below] = [bound, count];
  }
  return lower;
}

const rates = () => samples.slice(1).map((now, index) => Math.max(0, (now.requests - samples[index].requests) / (now.time - samples[index].time)));

function tiles() {
  const now = samples.at(-1);
  if (!now) return [];
  const time = (value) => (value == null ? t('noneYet') : t('milliseconds', number(1000 * value, value < 0.01 ? 2 : 0)));
  // The window's requests, or, while it has none, all since the start.
  const since = samples[0].requests < now.requests ? samples[0] : null;
  return [
    ['mode', now.mode ? t(`mode${now.mode}`) : '–'],
    ['workers', now.threads === 1 ? t('workersOfOne', number(now.workers)) : t('workersOf', number(now.workers), number(now.threads))],
    ['requests', number(now.requests)],
    ['perSecond', number(rates().at(-1) ?? 0, 1)],
    ['median', time(quantile(0.5, since, now))],
    ['slow', time(quantile(0.95, since, now))],
    ['queue', number(now.queue)],
    ['failures', number(now.failures)],
    ['memory', t('mebibytes', number(now.bytes / 1048576))],
  ];
}

function showChart() {
  const values = rates();
  byId('chart').hidden = values.length < 2;
  if (values.length < 2) return;
  const most = Math.max(...values, 1);
  const width = 600 / (samplesShown - 2);
  const start = 600 - width * (values.length - 1);
  byId('chart-line').setAttribute('points', values.map((value, index) => `${(start + width * index).toFixed(1)},${(76 - 72 * value / most).toFixed(1)}`).join(' '));
  const title = t('chartTitle', number(Math.max(...values), 1));
  byId('chart-title').textContent = title;
  byId('chart-picture').setAttribute('aria-label', title);
}

function show() {
  byId('running-problem').hidden = !notice;
  byId('running-problem').textContent = notice ? t(notice) : '';
  const entries = tiles();
  byId('tiles').hidden = entries.length === 0;
  byId('tiles').replaceChildren(...entries.map(([key, value]) => make('div', {}, make('dt', {}, t(key)), make('dd', { id: `tile-${key}` }, value))));
  showChart();
  const images = samples.at(-1)?.images;
  byId('model-rows').replaceChildren(...models.map((model) => make('tr', {},
    make('td', {}, model.name), make('td', {}, model.version), make('td', {}, model.network),
    make('td', {}, model.size.join(' × ')), make('td', { class: 'number' }, number(model.classes)),
    make('td', { class: 'number' }, images?.has(model.id) ? number(images.get(model.id)) : '–'))));
}

/**
 * Reads the numbers once.
 * @returns What they name of models that are served, as a text; null where the numbers are not given.
 */
export async function readMetrics() {
  try {
    const text = await (await ask('/metrics')).text();
    samples = [...samples, sample(parse(text))].slice(-samplesShown);
    // After a restart the counts begin anew.
    const [before, now] = samples.slice(-2);
    if (now && now.requests < before.requests) samples = [now];
    notice = '';
    return [...samples.at(-1).images.keys()].join(' ');
  } catch (error) {
    if (error.status === 404) notice = 'metricsElsewhere';
    else if (error.status === 403) notice = 'metricsForbidden';
    else throw error;
    return null;
  } finally {
    show();
  }
}

/** Takes the models that are served. */
export function setRunningModels(list) {
  models = list;
  show();
}

let updateCommand = () => {};

export function startRunning() {
  updateCommand = commandBox(byId('running-curl'), () =>
    [curl('/metrics'), curl('/v2/repository/index', { pairs: [['-X', 'POST']] })].join('\n'));
  onLanguage(show);
}

/** Shows the command anew, after a key was given for example. */
export const refreshRunningCommand = () => updateCommand();

export const pause = 1000 * seconds;
