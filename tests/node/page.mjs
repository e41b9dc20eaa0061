// Looks at the page of `hoist serve` in a headless Chromium, as a person would: types, presses keys, waits.
// Prints what there was to see. Screenshots go to a folder, where one is named.
//
//     node page.mjs URL FOLDER [SCREENSHOTS]
//
// When it has looked once, it prints a line, and goes on after one on standard input.
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

const [url, folder, screenshots] = process.argv.slice(2);
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

const chromium = spawn(
  process.env.HOIST_TEST_CHROMIUM ?? 'chromium',
  ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--remote-debugging-pipe',
    `--user-data-dir=${folder}`],
  { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] },
);
process.on('exit', () => chromium.kill('SIGKILL'));

async function until(what, found) {
  for (let turn = 0; turn < 600; turn += 1) {
    const value = await found();
    if (value) return value;
    await pause(50);
  }
  throw new Error(`it never came that ${what}`);
}

let last = 0;
let session;
const waiting = new Map();
const complaints = [];
function hear(message) {
  if (message.id) waiting.get(message.id)(message);
  if (message.method === 'Log.entryAdded') complaints.push(message.params.entry.text);
  if (message.method === 'Runtime.exceptionThrown') complaints.push(message.params.exceptionDetails.text);
}
// Messages come over a pipe, each with a NUL behind it.
const [, , , toBrowser, fromBrowser] = chromium.stdio;
let rest = '';
fromBrowser.setEncoding('utf8').on('data', (data) => {
  const parts = (rest + data).split('\0');
  rest = parts.pop();
  for (const part of parts) hear(JSON.parse(part));
});
function send(method, params = {}) {
  last += 1;
  const id = last;
  toBrowser.write(`${JSON.stringify({ id, method, params, sessionId: session })}\0`);
  return new Promise((done) => { waiting.set(id, ({ result, error }) => done(result ?? error)); });
}
const { targetId } = await send('Target.createTarget', { url: 'about:blank' });
({ sessionId: session } = await send('Target.attachToTarget', { targetId, flatten: true }));
async function see(expression) {
  const { result } = await send('Runtime.evaluate', { expression, returnByValue: true, awaitPromise: true });
  return result.value;
}
async function type(text) {
  await send('Input.insertText', { text });
}
async function press(key, code) {
  const event = { key, code: key, windowsVirtualKeyCode: code, text: key === 'Enter' ? '\r' : undefined };
  await send('Input.dispatchKeyEvent', { type: 'keyDown', ...event });
  await send('Input.dispatchKeyEvent', { type: 'keyUp', ...event });
}
async function open(path, width, height) {
  await send('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: width < 500 });
  await send('Page.navigate', { url: url + path });
  await until(`${path} is loaded`, () => see(`document.readyState === 'complete' && location.href !== 'about:blank'`));
}
async function picture(name) {
  if (!screenshots) return;
  const { data } = await send('Page.captureScreenshot', { captureBeyondViewport: true });
  writeFileSync(`${screenshots}/${name}.png`, Buffer.from(data, 'base64'));
}
const keys = `[...document.querySelectorAll('.flags .key a')].map((link) => link.textContent)`;
const overflow = 'document.documentElement.scrollWidth - window.innerWidth';

for (const domain of ['Page', 'Runtime', 'Log']) await send(`${domain}.enable`);
const seen = {};
await open('/', 1100, 1200);
seen.title = await see('document.title');
seen.keys = await see(keys);
seen.overflow = await see(overflow);
seen.scripts = await see('document.scripts.length');
seen.pictures = await see(`document.querySelectorAll('.flags svg[role=img][aria-label]').length`);
seen.unlabelled = await see(`[...document.querySelectorAll('input, select')].filter((one) => !one.labels.length).length`);
await picture('list');

// The script ran neither from a name nor from a description, whatever stands in them.
seen.injected = await see('window.injected === undefined');

// The first key leads past the form, the next ones through it.
await press('Tab', 9);
seen.first = await see('document.activeElement.textContent');
await press('Tab', 9);
seen.second = await see('document.activeElement.name');
await type('beta');
await until('the list is shorter', () => see(`${keys}.length === 1`));
seen.filtered = await see(keys);
seen.address = await see('location.search');

// Something changes while somebody looks, and has typed.
process.stdout.write('looked\n');
await lines.next();
await until('the change is shown', () => see(`document.querySelector('.badge').textContent === 'stopped'`));
seen.after = await see(`document.querySelector('.what').textContent`);
seen.typed = await see(`document.querySelector('input[name=q]').value`);

await open('/?user=ana&groups=staff', 390, 900);
seen.phone = await see(overflow);
seen.gets = await see(`document.querySelector('.gets').textContent`);
await picture('phone');

await see(`document.querySelector('.flags a').focus()`);
await press('Enter', 13);
await until('the flag is shown', () => see(`location.pathname.startsWith('/flags/')`));
await until('it is loaded', () => see(`document.querySelector('tbody tr') !== null`));
seen.phoneFlag = await see(overflow);
seen.history = await see(`document.querySelector('tbody').textContent`);
await picture('phone-flag');

seen.complaints = complaints;
process.stdout.write(`${JSON.stringify(seen)}\n`);
process.exit(0);
