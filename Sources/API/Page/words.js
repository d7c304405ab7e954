// SPDX-License-Identifier: MIT
// Every word of the page, in each of its languages. {0}, {1} … are put in.

const words = {
  en: {
    skip: 'Skip to the content', heading: 'Try this server', language: 'Language', sections: 'Sections',
    theme: 'Colours', themeAuto: 'Auto', themeLight: 'Light', themeDark: 'Dark',
    stateReady: 'Serving', stateDraining: 'About to end', stateGone: 'No answer', stateLocked: 'Wants a key',
    model: 'Model', versionWord: 'Version', network: 'Network', input: 'Input', classes: 'Classes',
    images: 'Images answered', cancel: 'Cancel', copy: 'Copy', copied: 'Copied', sameByCurl: 'The same with curl',

    drawTitle: 'Draw a digit', drawIntro: 'With mouse, pen or finger. The network answers while you draw.',
    paper: 'Paper to draw on', invitation: 'Draw here', clear: 'Clear', undo: 'Undo', savePicture: 'Save as digit.png',
    paperHelp: 'By keyboard: arrows move the pen, the space bar puts it down and lifts it, Backspace takes a stroke back, Delete clears.',
    penDown: 'The pen is down.', penUp: 'The pen is up.', paperCleared: 'The paper is empty.',
    probabilities: 'Probabilities', probability: '{0}: {1}', seenDigit: 'What the network sees: 28 × 28 pixels.',
    verdict: 'It is a {0}, {1} sure.', nothingDrawn: 'Nothing is drawn yet.',
    noDigitModel: 'This server has no model for digits.', notADigit: 'This does not look like one digit.',
    seenAlt: 'The picture as the network sees it, {0} by {1} pixels',

    photosTitle: 'Photos upright',
    photosIntro: 'Photos that lie on a side or on their head come back as they should be seen.',
    dropPhotos: 'Drop photos here, paste them, or', choosePhotos: 'choose photos',
    fourViews: 'Look in all four turns: surer, slower', clearPhotos: 'Remove all', remove: 'Remove',
    removeOne: 'Remove {0}', asItCame: 'As it came', upright: 'Upright', working: 'The model is looking …',
    waiting: 'Waits for its turn', downloadUpright: 'Download {0}', noPreview: 'This browser does not show such a file.',
    turned0: 'Stood upright already', turned90: 'Lay turned 90° to the left', turned180: 'Stood on its head',
    turned270: 'Lay turned 90° to the right', confidence: '{0} sure', exif: 'its file says {0}°',
    beforeAlt: '{0}, as it came', afterAlt: '{0}, upright', photoCount: '{0} of {1} photos done',
    photoFailed: 'No answer for this one',
    noRotationModel: 'This server has no model that tells how photos are turned.', notAPicture: '{0} is no picture.',

    askTitle: 'Ask any model', askIntro: 'Give a model of the repository a picture, and see its likeliest classes.',
    dropPicture: 'Drop a picture here, or', choosePicture: 'choose a picture', useDrawing: 'Use the drawing',
    topClasses: 'Likeliest classes', seenByNetwork: 'What the network sees', askVerdict: '{0} says of {1}: {2}, {3} sure.',
    pictureAlt: '{0}, as it came', theDrawing: 'the drawing', drawFirst: 'Draw something above first.',

    runningTitle: 'What is running', runningIntro: 'The numbers of all workers together, every two seconds.',
    modelsServed: 'Models that are served', mode: 'Mode', modeprocess: 'processes', modethread: 'threads',
    workers: 'Workers', workersOf: '{0} × {1} threads', workersOfOne: '{0} × 1 thread', requests: 'Requests',
    perSecond: 'Per second', median: 'Median latency', slow: '95 of 100 within', queue: 'In the queue',
    memory: 'Memory, all workers', failures: 'Errors', milliseconds: '{0} ms', mebibytes: '{0} MiB',
    chartTitle: 'Requests per second, the last two minutes; at most {0}', noneYet: 'none yet',
    metricsElsewhere: 'This server gives its numbers at an address of their own (--metrics-bind).',
    metricsForbidden: 'This key may not read the numbers: it lacks the right “metrics”.',

    keyButton: 'Key', keyTitle: 'This server wants a key', keyField: 'Key', keyUse: 'Use this key',
    keyIntro: 'Ask whoever runs it. The key stays in this tab and is sent to this server only.',
    keyForget: 'Forget the key', keyWrong: 'The server does not know this key.',

    errorGone: 'The server does not answer. It may have been stopped; this page tries again by itself.',
    errorKey: 'The server wants a key for this.', errorForbidden: 'The server does not allow this.',
    errorNotFound: 'The server does not have this model any more.', errorLarge: 'This picture is too large for the server.',
    errorNoImage: 'This file is no picture that the server reads: it takes PNG, JPEG, WebP, HEIC and AVIF.',
    errorUnusable: 'The server can make nothing of this picture.',
    errorBusy: 'The server has too much to do just now. Try again in a moment.',
    errorSlow: 'The answer took too long.', errorOther: 'The server could not answer ({0}).',

    footer: 'Pictures go to this server and nowhere else, and it keeps none of them.', openapi: 'All routes (OpenAPI)',
  },
  ko: {
    skip: '본문으로 건너뛰기', heading: '이 서버 사용해 보기', language: '언어', sections: '구역',
    theme: '색상', themeAuto: '자동', themeLight: '밝게', themeDark: '어둡게',
    stateReady: '작동 중', stateDraining: '곧 종료됨', stateGone: '응답 없음', stateLocked: '키 필요',
    model: '모델', versionWord: '버전', network: '신경망', input: '입력', classes: '클래스',
    images: '처리한 이미지', cancel: '취소', copy: '복사', copied: '복사했습니다', sameByCurl: 'curl로 똑같이 하기',

    drawTitle: '숫자 그리기', drawIntro: '마우스, 펜, 손가락으로 그리세요. 그리는 동안 신경망이 바로 답합니다.',
    paper: '숫자를 그릴 종이', invitation: '여기에 그리세요', clear: '지우기', undo: '한 획 취소', savePicture: 'digit.png로 저장',
    paperHelp: '키보드: 화살표로 펜을 옮기고, 스페이스 바로 펜을 내리거나 들고, 백스페이스로 한 획을 취소하고, Delete로 모두 지웁니다.',
    penDown: '펜을 내렸습니다.', penUp: '펜을 들었습니다.', paperCleared: '종이가 비었습니다.',
    probabilities: '확률', probability: '{0}: {1}', seenDigit: '신경망이 보는 그림: 28 × 28 픽셀.',
    verdict: '숫자 {0}입니다. 확률 {1}.', nothingDrawn: '아직 아무것도 그리지 않았습니다.',
    noDigitModel: '이 서버에는 숫자 모델이 없습니다.', notADigit: '숫자 하나로 보이지 않습니다.',
    seenAlt: '신경망이 보는 그림, 가로 {0}, 세로 {1} 픽셀',

    photosTitle: '사진 바로 세우기',
    photosIntro: '옆으로 누웠거나 거꾸로 된 사진을 바르게 돌려 드립니다.',
    dropPhotos: '사진을 여기에 끌어다 놓거나, 붙여 넣거나,', choosePhotos: '사진 고르기',
    fourViews: '네 방향에서 모두 보기: 더 정확하지만 느립니다', clearPhotos: '모두 없애기', remove: '없애기',
    removeOne: '{0} 없애기', asItCame: '원본', upright: '바로 세운 사진', working: '모델이 보는 중 …',
    waiting: '차례를 기다리는 중', downloadUpright: '{0} 내려받기', noPreview: '이 브라우저는 이 파일을 보여 주지 못합니다.',
    turned0: '이미 바로 서 있습니다', turned90: '왼쪽으로 90° 누워 있었습니다', turned180: '거꾸로 서 있었습니다',
    turned270: '오른쪽으로 90° 누워 있었습니다', confidence: '확률 {0}', exif: '파일에 적힌 방향 {0}°',
    beforeAlt: '{0}, 원본', afterAlt: '{0}, 바로 세운 사진', photoCount: '사진 {1}장 중 {0}장 완료',
    photoFailed: '이 사진에는 답이 없습니다',
    noRotationModel: '이 서버에는 사진의 방향을 알아내는 모델이 없습니다.', notAPicture: '{0}: 그림 파일이 아닙니다.',

    askTitle: '다른 모델에 묻기', askIntro: '저장소의 모델에 그림을 주고, 가장 그럴듯한 클래스를 확인하세요.',
    dropPicture: '그림을 여기에 끌어다 놓거나,', choosePicture: '그림 고르기', useDrawing: '그린 숫자 쓰기',
    topClasses: '가장 그럴듯한 클래스', seenByNetwork: '신경망이 보는 그림', askVerdict: '{0} 모델의 답 ({1}): {2}, 확률 {3}.',
    pictureAlt: '{0}, 원본', theDrawing: '그린 숫자', drawFirst: '먼저 위에서 무엇이든 그려 주세요.',

    runningTitle: '실행 상태', runningIntro: '모든 작업자를 합한 수치를 2초마다 보여 줍니다.',
    modelsServed: '제공 중인 모델', mode: '방식', modeprocess: '프로세스', modethread: '스레드',
    workers: '작업자', workersOf: '{0} × 스레드 {1}개', workersOfOne: '{0} × 스레드 1개', requests: '요청',
    perSecond: '초당 요청', median: '지연 시간 중앙값', slow: '100개 중 95개는', queue: '대기 중',
    memory: '메모리(전체 작업자)', failures: '오류', milliseconds: '{0} ms', mebibytes: '{0} MiB',
    chartTitle: '최근 2분간 초당 요청, 최대 {0}', noneYet: '아직 없음',
    metricsElsewhere: '이 서버는 별도의 주소에서 수치를 제공합니다(--metrics-bind).',
    metricsForbidden: '이 키에는 수치를 읽을 권한 “metrics”가 없습니다.',

    keyButton: '키', keyTitle: '이 서버에는 키가 필요합니다', keyField: '키', keyUse: '이 키 사용',
    keyIntro: '서버 운영자에게 문의하세요. 키는 이 탭에만 남고 이 서버로만 전송됩니다.',
    keyForget: '키 지우기', keyWrong: '서버가 모르는 키입니다.',

    errorGone: '서버가 응답하지 않습니다. 중지되었을 수 있습니다. 이 페이지가 스스로 다시 시도합니다.',
    errorKey: '이 작업에는 키가 필요합니다.', errorForbidden: '서버가 이 작업을 허용하지 않습니다.',
    errorNotFound: '이 모델은 더 이상 서버에 없습니다.', errorLarge: '이 그림은 서버가 받기에 너무 큽니다.',
    errorNoImage: '서버가 읽을 수 있는 그림 파일이 아닙니다. PNG, JPEG, WebP, HEIC, AVIF를 읽습니다.',
    errorUnusable: '서버가 이 그림에서 아무것도 알아내지 못했습니다.',
    errorBusy: '서버가 지금 매우 바쁩니다. 잠시 후 다시 시도해 주세요.',
    errorSlow: '응답이 너무 오래 걸렸습니다.', errorOther: '서버가 답하지 못했습니다({0}).',

    footer: '그림은 이 서버로만 전송되며, 서버는 아무것도 보관하지 않습니다.', openapi: '모든 경로(OpenAPI)',
  },
};

export const languages = Object.keys(words);

let language = 'en';
const listeners = [];

/** Calls a function now and whenever the language changes. */
export function onLanguage(react) {
  listeners.push(react);
  react();
}

/** The words of a key in the present language. */
export function t(key, ...parts) {
  const text = words[language][key] ?? words.en[key] ?? key;
  return text.replace(/\{(\d)\}/g, (_, place) => parts[place]);
}

/** Changes the language of the whole page. */
export function setLanguage(wanted) {
  language = languages.includes(wanted) ? wanted : 'en';
  document.documentElement.lang = language;
  for (const element of document.querySelectorAll('[data-t]')) element.textContent = t(element.dataset.t);
  for (const element of document.querySelectorAll('[data-t-label]')) element.setAttribute('aria-label', t(element.dataset.tLabel));
  for (const react of listeners) react();
}

export const currentLanguage = () => language;

/** A share of 1 in per cent. One that is less than 1 is never shown as 100 %. */
export function percent(share) {
  const shown = share < 1 ? Math.min(share, 0.9999) : 1;
  const digits = shown > 0.99 && shown < 1 ? 2 : 1;
  return new Intl.NumberFormat(language, { style: 'percent', minimumFractionDigits: digits, maximumFractionDigits: digits }).format(shown);
}

/** A number with the separators of the language. */
export const number = (value, digits = 0) =>
  new Intl.NumberFormat(language, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);
