/*
 * The code that the pages of sources.browser.test.ts run, in parts. It is text, because a page has
 * no modules of tests.
 */

/** Loads nano, and makes the picture of all tests: opaque noise over a gradient. */
export const BEGIN = `
  const unhandled = [];
  addEventListener('unhandledrejection', ({ reason }) => unhandled.push(String(reason)));
  const { Taesd } = await import('/dist/index.js');
  const taesd = await Taesd.load({ model: 'nano', workers: 0 });
  const [width, height] = [37, 21];
  const noise = (opaque) => {
    let state = 7;
    const next = () => (state = (Math.imul(state, 1103515245) + 12345) >>> 0) >>> 24;
    const data = new Uint8ClampedArray(4 * width * height);
    for (let i = 0; i < data.length; i++) data[i] = i % 4 === 3 && opaque ? 255 : next();
    return new ImageData(data, width, height);
  };
  const pixels = noise(true);
  const onCanvas = (image, canvas = new OffscreenCanvas(image.width, image.height)) => {
    canvas.width = image.width;
    canvas.height = image.height;
    canvas.getContext('2d', { willReadFrequently: true }).putImageData(image, 0, 0);
    return canvas;
  };
  const readBack = (canvas) => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  const drawn = (source, w = width, h = height) => {
    const canvas = new OffscreenCanvas(w, h);
    canvas.getContext('2d', { willReadFrequently: true }).drawImage(source, 0, 0);
    return readBack(canvas);
  };
  const plain = ({ width, height, data }) => ({ width, height, data: Uint8ClampedArray.from(data) });
  /** The largest difference of two latents; the shapes if they differ. */
  const apart = (a, b) => \`\${a.shape}\` === \`\${b.shape}\`
    ? a.data.reduce((most, value, i) => Math.max(most, Math.abs(value - b.data[i])), 0)
    : \`\${a.shape} and \${b.shape}\`;
  const wanted = await taesd.encode(plain(pixels));
  const fromWanted = async (source, options) => apart(await taesd.encode(source, options), wanted);
  const png = await onCanvas(pixels).convertToBlob({ type: 'image/png' });
  const loaded = (blobOrUrl) => new Promise((resolve, reject) => {
    const image = new Image();
    image.onload = () => resolve(image);
    image.onerror = () => reject(new Error('not loaded'));
    image.src = typeof blobOrUrl === 'string' ? blobOrUrl : URL.createObjectURL(blobOrUrl);
  });
  const caught = (work) => Promise.resolve(work).then(() => 'no error', (error) =>
    error.name === 'TaesdError' ? error.code + ': ' + error.message : 'bare ' + error);
`;

/** Every kind of source, opaque, in sRGB: how far its latents are from those of the pixels. */
export const KINDS = `${BEGIN}
  const found = {};
  found.ImageData = await fromWanted(pixels);
  found.Blob = await fromWanted(png);
  found.File = await fromWanted(new File([png], 'a.png', { type: 'image/png' }));
  found.untyped = await fromWanted(new Blob([png]));
  found.BlobOfParts = await fromWanted(new Blob([png.slice(0, 2), png.slice(2, 9), png.slice(9)]));
  found.ImageBitmap = await fromWanted(await createImageBitmap(pixels));
  found.OffscreenCanvas = await fromWanted(onCanvas(pixels));
  found.canvas = await fromWanted(onCanvas(pixels, document.createElement('canvas')));
  found.img = await fromWanted(await loaded(png));
  const frame = new VideoFrame(onCanvas(pixels), { timestamp: 0 });
  found.VideoFrame = await fromWanted(frame);
  frame.close();
  const frameDocument = document.body.appendChild(document.createElement('iframe')).contentWindow;
  found.anotherFrame = await fromWanted(new frameDocument.ImageData(new frameDocument.Uint8ClampedArray(pixels.data), width, height));
  const [, image] = [...'ab'].map(() => frameDocument.document.createElement('canvas'));
  found.canvasOfAnotherFrame = await fromWanted(onCanvas(pixels, image));
  return found;`;

/** A `<video>` that shows a canvas, against what the browser draws of it. */
export const VIDEO = `${BEGIN}
  const canvas = onCanvas(pixels, document.createElement('canvas'));
  const video = document.createElement('video');
  video.muted = true;
  const before = await caught(taesd.encode(video));
  video.srcObject = canvas.captureStream(10);
  const paint = setInterval(() => onCanvas(pixels, canvas), 50);
  await video.play();
  while (video.readyState < 2 || video.videoWidth !== width) await new Promise((done) => setTimeout(done, 20));
  video.pause();
  clearInterval(paint);
  const shown = plain(drawn(video));
  const difference = apart(await taesd.encode(video), await taesd.encode(shown));
  return { before, difference };`;

/** What the caller does to a source once the call has returned. */
export const AFTERWARDS = `${BEGIN}
  const found = {};
  const after = async (name, source, change) => {
    const encoding = taesd.encode(source);
    change(source);
    found[name] = apart(await encoding, wanted);
  };
  for (const [name, canvas] of [['OffscreenCanvas', onCanvas(pixels)], ['canvas', onCanvas(pixels, document.createElement('canvas'))]]) {
    await after(name + ' drawn on', canvas, () => canvas.getContext('2d').fillRect(0, 0, width, height));
    onCanvas(pixels, canvas);
    await after(name + ' resized', canvas, () => (canvas.width = 3));
  }
  const bitmap = await createImageBitmap(pixels);
  await after('ImageBitmap closed', bitmap, () => bitmap.close());
  const sent = await createImageBitmap(pixels);
  await after('ImageBitmap transferred', sent, () => new MessageChannel().port1.postMessage(sent, [sent]));
  const frame = new VideoFrame(onCanvas(pixels), { timestamp: 0 });
  await after('VideoFrame closed', frame, () => frame.close());
  const image = await loaded(png);
  await after('img with another src', image, () => (image.src = 'data:,'));
  const bytes = plain(pixels);
  await after('bytes', bytes, () => bytes.data.fill(0));
  const wide = { ...plain(pixels), colorSpace: 'display-p3' };
  const converted = await taesd.encode(wide);
  const encoding = taesd.encode(wide);
  wide.data.fill(0);
  found['bytes in Display P3'] = apart(await encoding, converted);
  return found;`;

/** Alpha, background, signal, progress, layers, a worker, and a browser without OffscreenCanvas. */
export const OPTIONS = `${BEGIN}
  const found = {};
  const translucent = noise(false);
  const canvas = onCanvas(translucent);
  const shown = plain(readBack(canvas));
  const options = { background: [200, 30, 90] };
  for (const [name, more] of [['composite', options], ['drop', { alpha: 'drop' }]]) {
    found[name] = apart(await taesd.encode(canvas, more), await taesd.encode(shown, more));
  }
  const red = plain(new ImageData(width, height));
  for (let i = 0; i < red.data.length; i++) red.data[i] = i % 4 === 0 || i % 4 === 3 ? 255 : 0;
  const small = { maxSize: 16 };
  found.scaled = apart(await taesd.encode(png, small), await taesd.encode(plain(pixels), small));
  found.transparent = apart(
    await taesd.encode(onCanvas(new ImageData(width, height)), { background: [255, 0, 0] }), await taesd.encode(red));
  found.badAlpha = await caught(taesd.encode(png, { alpha: 'keep' }));
  found.aborted = await caught(taesd.encode(png, { signal: AbortSignal.abort() }));
  const controller = new AbortController();
  const encoding = taesd.encode(png, { signal: controller.signal });
  controller.abort();
  found.abortedLater = await caught(encoding);
  const seen = [];
  found.afterAbort = await fromWanted(png, { onProgress: (progress) => seen.push(progress) });
  found.last = seen.at(-1);
  let last;
  for await (const step of taesd.steps(png)) last = step;
  found.steps = apart(last.output, wanted);
  found.part = await caught(taesd.steps(png, { part: 'decoder' }).next());
  const code = \`onmessage = async ({ data: [origin, blob, canvas] }) => {
    const { Taesd } = await import(origin + '/dist/index.js');
    const taesd = await Taesd.load({ model: 'nano', workers: 0 });
    const bitmap = await createImageBitmap(blob);
    canvas.width = bitmap.width;
    canvas.height = bitmap.height;
    canvas.getContext('2d').drawImage(bitmap, 0, 0);
    postMessage(await Promise.all([blob, canvas, bitmap].map((source) => taesd.encode(source))));
  }\`;
  const transferred = document.createElement('canvas');
  const offscreen = transferred.transferControlToOffscreen();
  const worker = new Worker(URL.createObjectURL(new Blob([code], { type: 'text/javascript' })), { type: 'module' });
  worker.postMessage([location.origin, png, offscreen], [offscreen]);
  const latents = await new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = ({ message }) => reject(new Error(message));
  });
  found.worker = latents.map((one) => apart(one, wanted));
  const { getContext } = OffscreenCanvas.prototype;
  OffscreenCanvas.prototype.getContext = () => null;
  found.withoutContext = await caught(taesd.encode(png));
  OffscreenCanvas.prototype.getContext = getContext;
  globalThis.OffscreenCanvas = undefined;
  found.withoutOffscreen = await fromWanted(png);
  return found;`;

/** Sources without pixels. Each error is followed by a picture that is encoded. */
export const FAULTS = `${BEGIN}
  const found = {};
  const fault = async (name, source) => {
    found[name] = await caught(taesd.encode(source));
    if ((await fromWanted(png)) !== 0) found[name] += ', and the instance gives other latents';
  };
  const closed = await createImageBitmap(pixels);
  closed.close();
  const sent = await createImageBitmap(pixels);
  new MessageChannel().port1.postMessage(sent, [sent]);
  const frame = new VideoFrame(onCanvas(pixels), { timestamp: 0 });
  frame.close();
  const empty = document.createElement('canvas');
  empty.width = 0;
  const broken = new Image();
  broken.src = 'data:image/png;base64,AAAA';
  await broken.decode().catch(() => undefined);
  const foreign = await loaded(location.href.replace('127.0.0.1', 'localhost') + 'weights/picture.png');
  const tainted = document.createElement('canvas');
  tainted.width = tainted.height = 8;
  tainted.getContext('2d').drawImage(foreign, 0, 0);
  const detached = { ...plain(pixels), colorSpace: 'display-p3' };
  structuredClone(detached.data.buffer, { transfer: [detached.data.buffer] });
  await fault('closed ImageBitmap', closed);
  await fault('transferred ImageBitmap', sent);
  await fault('closed VideoFrame', frame);
  await fault('empty canvas', empty);
  await fault('empty OffscreenCanvas', new OffscreenCanvas(5, 0));
  await fault('broken img', broken);
  const loading = new Image();
  loading.src = '/never';
  await fault('loading img', loading);
  await fault('img without src', new Image());
  await fault('img of another site', foreign);
  await fault('tainted canvas', tainted);
  await fault('bitmap of a tainted canvas', await createImageBitmap(tainted));
  const heic = [0, 0, 0, 24, ...[...'ftypheic\\0\\0\\0\\0mif1heic'].map((one) => one.charCodeAt(0))];
  await fault('HEIC', new Blob([Uint8Array.from(heic)], { type: 'image/heic' }));
  await fault('cut PNG', new Blob([png.slice(0, 40)], { type: 'image/png' }));
  await fault('damaged Blob', new Blob([new Uint8Array(99)], { type: 'image/x-mine' }));
  await fault('untyped damaged Blob', new Blob([new Uint8Array(99)]));
  await fault('empty Blob', new Blob([], { type: 'image/png' }));
  const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="37" height="21"><path fill="#123456" d="M0 0h37v21H0z"/></svg>';
  const svgBlob = new Blob([svg], { type: 'image/svg+xml' });
  await fault('SVG', svgBlob);
  const flat = new Uint8ClampedArray(4 * width * height).map((_, i) => [0x12, 0x34, 0x56, 255][i % 4]);
  found.svgImage = apart(await taesd.encode(await loaded(svgBlob)), await taesd.encode({ width, height, data: flat }));
  await fault('detached', detached);
  await fault('a file', new Uint8Array(await png.arrayBuffer()));
  await fault('a div', document.createElement('div'));
  await fault('a string', 'photo.jpg');
  found.unhandled = unhandled;
  return found;`;

/** Returns the bytes that a source is converted to. */
const BYTES = `
  const { pictureOf } = await import('/dist/sources/picture-of.js');
  const bytesOf = async (source, value) => {
    const { data } = await pictureOf(source, source, Promise.allSettled([value]), {});
    return [...data];
  };
  const bytesOfBitmap = async (source) => bytesOf(source, await createImageBitmap(source));
`;

/**
 * Colours in Display P3.
 *
 * @param colours  RGBA bytes of a row of pixels
 * @param srgb     the bytes in sRGB
 * @param png      a file of them
 */
export const coloursOnPage = (
  colours: readonly number[],
  srgb: readonly number[],
  png: Uint8Array,
): string => `${BEGIN}${BYTES}
  const given = { width: ${colours.length / 4}, height: 1, data: Uint8ClampedArray.of(${colours}), colorSpace: 'display-p3' };
  const converted = { ...given, data: Uint8ClampedArray.of(${srgb}), colorSpace: 'srgb' };
  const latents = await taesd.encode(converted);
  const found = { likePixels: apart(await taesd.encode(given), latents) };
  found.png = await bytesOfBitmap(new Blob([Uint8Array.of(${png})], { type: 'image/png' }));
  const image = new ImageData(given.data, given.width, 1, { colorSpace: 'display-p3' });
  found.hasWideImageData = image.colorSpace === 'display-p3';
  if (found.hasWideImageData) found.wide = apart(await taesd.encode(image), latents);
  const context = new OffscreenCanvas(given.width, 1).getContext('2d', { colorSpace: 'display-p3' });
  found.hasWideCanvas = context.getContextAttributes?.().colorSpace === 'display-p3';
  if (found.hasWideCanvas) {
    context.putImageData(image, 0, 0);
    found.canvas = await bytesOfBitmap(context.canvas);
  }
  const floats = Float16Array.from(given.data, (value) => value / 255);
  const half = { ...given, data: floats, pixelFormat: 'rgba-float16' };
  found.floats = await bytesOf(half, floats);
  try {
    const real = new ImageData(floats, given.width, 1, { colorSpace: 'display-p3', pixelFormat: 'rgba-float16' });
    found.hasFloats = real.data instanceof Float16Array && real.pixelFormat === 'rgba-float16';
    if (found.hasFloats) found.floatImageData = apart(await taesd.encode(real), await taesd.encode(half));
  } catch (error) {
    found.hasFloats = false;
  }
  return found;`;

/** A JPEG with each orientation, against its pixels, turned by hand. */
export const ORIENTATIONS = `${BEGIN}${BYTES}
  const canvas = onCanvas(pixels);
  const jpeg = new Uint8Array(await (await canvas.convertToBlob({ type: 'image/jpeg', quality: 0.9 })).arrayBuffer());
  const turned = (orientation) => {
    const tiff = [0x4d, 0x4d, 0, 42, 0, 0, 0, 8, 0, 1, 1, 18, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0, 0, 0, 0, 0];
    const body = [0x45, 0x78, 0x69, 0x66, 0, 0, ...tiff];
    const app1 = [0xff, 0xe1, 0, body.length + 2, ...body];
    return new Blob([jpeg.slice(0, 2), Uint8Array.from(app1), jpeg.slice(2)], { type: 'image/jpeg' });
  };
  const upright = plain(drawn(await createImageBitmap(new Blob([jpeg]))));
  // The pixel of the file that is shown at (x, y), by the orientations of the EXIF standard.
  const [right, bottom] = [width - 1, height - 1];
  const from = [
    (x, y) => [x, y], (x, y) => [right - x, y], (x, y) => [right - x, bottom - y], (x, y) => [x, bottom - y],
    (x, y) => [y, x], (x, y) => [y, bottom - x], (x, y) => [right - y, bottom - x], (x, y) => [right - y, x],
  ];
  const found = [];
  for (const [index, source] of from.entries()) {
    const [w, h] = index < 4 ? [width, height] : [height, width];
    const wantedData = new Uint8ClampedArray(4 * w * h);
    for (let y = 0; y < h; y++) for (let x = 0; x < w; x++) {
      const [fromX, fromY] = source(x, y);
      const at = 4 * (fromY * width + fromX);
      wantedData.set(upright.data.subarray(at, at + 4), 4 * (y * w + x));
    }
    const turnedLatents = await taesd.encode({ width: w, height: h, data: wantedData });
    const blob = turned(index + 1);
    const differences = [];
    for (const one of [blob, await loaded(blob)]) differences.push(apart(await taesd.encode(one), turnedLatents));
    found.push(differences);
  }
  return found;`;

/** Pictures larger than the canvas they are read through: in both directions, wide, tall. */
export const LARGE = `
  const { pixelsOfBitmap } = await import('/dist/sources/pixels-of-bitmap.js');
  const found = {};
  for (const [width, height] of [[2049, 4100], [40000, 2], [2, 40000]]) {
    const image = new ImageData(width, height);
    const words = new Uint32Array(image.data.buffer);
    for (let i = 0; i < words.length; i++) words[i] = Math.imul(i, 2654435761) | 0xff000000;
    let turns = 0;
    const bitmap = await createImageBitmap(image);
    const { data } = await pixelsOfBitmap(bitmap, { due: true, turn: async () => turns++ });
    const read = new Uint32Array(data.buffer);
    found[width + 'x' + height] = { turns, wrong: words.filter((word, i) => word !== read[i]).length };
  }
  return found;`;

/** A browser that returns noise for the pixels of a canvas. */
export const NOISE = `
  const { Taesd } = await import('/dist/index.js');
  const taesd = await Taesd.load({ model: 'nano', workers: 0 });
  const bitmap = await createImageBitmap(new ImageData(8, 8));
  const error = await taesd.encode(bitmap).then(() => 'no error', ({ message }) => message);
  const { shape } = await taesd.encode({ width: 8, height: 8, data: new Uint8Array(256) });
  return { error, shape };`;
