// Opens notebooks in JupyterLab with a headless browser as they are, as from a clone, without running them, and checks what is seen.
// Then it runs all cells of those that --run names, and checks again.
//
//   node .ci/browser/check.mjs [--shots DIR] [--lab 'COMMAND …'] [--run NOTEBOOK]… [NOTEBOOK…]
//
// The notebooks to be run are copied with their outputs removed: what is checked is what this run made.
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import { chromium } from 'playwright-core';
import { Lab } from './lab.mjs';
import { complete, garbled, openNotebook, runAll, save, scrollThrough, visibleFigures, visibleMotion } from './page.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const { values: options, positionals: notebooks } = parseArgs({
  allowPositionals: true,
  options: {
    run: { type: 'string', multiple: true, default: [] }, // notebooks to run
    shots: { type: 'string' }, // where the pictures go; a new temporary folder if not given
    complete: { type: 'string', default: '%%\nfmt.Prin' }, // what to type before Tab
    expect: { type: 'string', default: 'Println' }, // what must be among the suggestions
    lab: { type: 'string', default: 'go run ./kernel lab -no-browser' },
    timeout: { type: 'string', default: '600' }, // seconds for all cells of one notebook
  },
});
if (notebooks.length + options.run.length === 0) {
  console.error('usage: node .ci/browser/check.mjs [--shots DIR] [--run NOTEBOOK]… [NOTEBOOK…]');
  process.exit(2);
}
const browserPath = process.env.CHROMIUM ?? ['/usr/bin/chromium', '/usr/bin/google-chrome'].find(existsSync);
if (!browserPath) {
  console.error('No Chromium found: install it (Debian: apt-get install chromium) or name it in the variable CHROMIUM.');
  process.exit(2);
}
const shots = options.shots ? resolve(options.shots) : mkdtempSync(join(tmpdir(), 'gosciml-shots-'));
mkdirSync(shots, { recursive: true });
const started = Date.now();
const say = (text) => console.log(`[${((Date.now() - started) / 1000).toFixed(1).padStart(6)} s] ${text}`);
const problems = [];
const problem = (text) => {
  problems.push(text);
  say(`PROBLEM: ${text}`);
};

const text = (value) => (Array.isArray(value) ? value.join('') : value ?? '');
const isFigure = (output) => {
  const data = output.data ?? {};
  return ['image/svg+xml', 'image/png', 'image/jpeg'].some((type) => type in data) || /<svg|<img/i.test(text(data['text/html']));
};
const movesIn = (output) => ['application/vnd.vegalite.v5+json', 'image/gif'].some((type) => type in (output.data ?? {}));
const hasCode = (cell) => cell.cell_type === 'code' && text(cell.source).trim() !== '';

// A folder with a space in its name: paths like that are ordinary on a reader's machine.
const folder = join(mkdtempSync(join(tmpdir(), 'gosciml-browser-')), 'my notebooks');
mkdirSync(folder);
const asCloned = (path) => `cloned ${basename(path)}`;
for (const path of notebooks) copyFileSync(path, join(folder, asCloned(path)));
for (const path of options.run) {
  const document = JSON.parse(readFileSync(path, 'utf8'));
  for (const cell of document.cells) if (cell.cell_type === 'code') Object.assign(cell, { outputs: [], execution_count: null });
  writeFileSync(join(folder, basename(path)), JSON.stringify(document, null, 1));
}

let lab, browser;
try {
  lab = await Lab.start([...options.lab.split(' '), folder], root, 300);
  say(`JupyterLab serves on ${lab.origin}`);
  browser = await chromium.launch({ executablePath: browserPath, args: ['--no-sandbox'] });
  await checkChecks();
  for (const path of notebooks) await checkStored(asCloned(path));
  for (const path of options.run) await checkNotebook(basename(path));
} catch (error) {
  problem(error.stack ?? String(error));
} finally {
  await browser?.close().catch(() => {});
  await lab?.stop();
  if (lab?.leftovers) say('note: JupyterLab did not end by itself within 15 s of the request and was killed');
  rmSync(dirname(folder), { recursive: true, force: true });
}
if (problems.length > 0 && lab) console.log(`--- what the server said last ---\n${lab.log.split('\n').slice(-40).join('\n')}`);
say(`pictures are in ${shots}`);
console.log(problems.length === 0 ? 'browser check: ok' : `browser check: ${problems.length} problem(s)\n- ${problems.join('\n- ')}`);
process.exit(problems.length === 0 ? 0 : 1);

/**
 * Two figures that fail in an untrusted notebook must be found to do so: SVG within HTML, of which JupyterLab leaves the
 * labels, and SVG that came as text.
 */
async function checkChecks() {
  const name = 'markup.ipynb';
  const svg = '<svg width="200" height="100"><path stroke="black" d="M0 0L200 100"/><text y="50">iteration</text></svg>';
  const outputs = ['text/html', 'text/plain'].map((type) => ({ output_type: 'display_data', data: { [type]: svg }, metadata: {} }));
  const cell = { cell_type: 'code', id: 'figure', execution_count: 1, metadata: {}, outputs, source: '%%' };
  const kernelspec = { display_name: 'Go (SciML)', language: 'go', name: 'gosciml' };
  const document = { cells: [cell], metadata: { kernelspec }, nbformat: 4, nbformat_minor: 5 };
  writeFileSync(join(folder, name), JSON.stringify(document));
  const page = await newPage(name);
  await openNotebook(page, lab, name, 120);
  const found = await lookAtFigures(page, name, document);
  await page.close();
  for (const expected of [/the page shows 0/, /shows markup as text/]) {
    if (!found.some((text) => expected.test(text))) problem(`a figure that is not shown passes: of ${expected} there is nothing in ${JSON.stringify(found)}`);
  }
}

/** What somebody sees who opens a notebook from a clone, which JupyterLab does not trust, and does not run it. */
async function checkStored(name) {
  const page = await newPage(name);
  const before = readFileSync(join(folder, name), 'utf8');
  await openNotebook(page, lab, name, 120);
  (await lookAtFigures(page, name, JSON.parse(before))).forEach(problem);
  const written = statSync(join(folder, name)).mtimeMs;
  await save(page);
  for (let i = 0; i < 50 && statSync(join(folder, name)).mtimeMs === written; i++) await sleep(200);
  let after = '';
  for (let i = 0; i < 50 && after === ''; i++) { // it is empty while it is being written
    await sleep(200);
    after = readFileSync(join(folder, name), 'utf8');
  }
  if (statSync(join(folder, name)).mtimeMs === written) problem(`${name}: it was not saved within 10 s`);
  else if (after === before) say(`${name}: saving it changes nothing`);
  else problem(`${name}: saving it without running it changes ${firstChange(before, after)}`);
  await page.close();
  await checkExports(name, JSON.parse(before));
}

/** What File ▸ Save and Export Notebook As makes of a notebook: HTML and LaTeX with coloured code and each picture. */
async function checkExports(name, document) {
  const figures = document.cells.flatMap((cell) => cell.outputs ?? []).filter(isFigure).length;
  const cells = document.cells.filter(hasCode).length;
  const count = (text, pattern) => [...text.matchAll(pattern)].length;
  const expect = (what, number, expected) => {
    if (number !== expected) problem(`${name} as ${what}: ${number}, expected ${expected}`);
  };
  const html = (await lab.file(`/nbconvert/html/${encodeURIComponent(name)}`)).toString();
  expect('HTML, cells with Go in colour', html.split('class="highlight hl-go"').filter((part, i) => i > 0 && part.split('</pre>')[0].includes('<span class="')).length, cells);
  const pictures = html.match(/<img [^>]*src="data:image[^>]*>/g) ?? [];
  expect('HTML, pictures', pictures.length, figures);
  expect('HTML, pictures with a description', pictures.filter((tag) => /alt="[^"]+"/.test(tag) && !tag.includes('No description')).length, figures);

  const target = mkdtempSync(join(dirname(folder), 'latex-'));
  const exported = await lab.file(`/nbconvert/latex/${encodeURIComponent(name)}`);
  const archive = exported.subarray(0, 2).toString() === 'PK'; // without pictures it is one file
  writeFileSync(join(target, archive ? 'all.zip' : 'all.tex'), exported);
  if (archive) execFileSync('python3', ['-m', 'zipfile', '-e', 'all.zip', '.'], { cwd: target });
  const files = readdirSync(target, { recursive: true });
  const latex = readFileSync(join(target, files.find((file) => file.endsWith('.tex'))), 'utf8');
  expect('LaTeX, files of pictures', files.filter((file) => /\.(png|svg|pdf|jpe?g)$/.test(file)).length, figures);
  expect('LaTeX, pictures in the text', count(latex, /\\adjustimage\{max/g), figures);
  if (cells > 0 && !latex.includes('\\PY{k')) problem(`${name} as LaTeX: no Go in colour`);
  say(`${name}: exported as HTML and as LaTeX, ${figures} pictures each`);
}

/** The first line that differs between two texts. */
function firstChange(before, after) {
  const [was, is] = [before.split('\n'), after.split('\n')];
  const line = was.findIndex((text, i) => text !== is[i]);
  return line < 0 ? `the end, after line ${was.length}` : `line ${line + 1} from "${was[line].slice(0, 100)}" to "${(is[line] ?? '').slice(0, 100)}"`;
}

async function newPage(name) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 1000 } });
  page.on('pageerror', (error) => say(`page error: ${error.message}`));
  page.on('request', (request) => {
    const url = new URL(request.url());
    if (url.protocol.startsWith('http') && url.origin !== lab.origin) problem(`${name}: the page asks the network for ${url.origin}; it must work offline`);
  });
  return page;
}

function shot(page, name, label) {
  return page.screenshot({ path: join(shots, `${name.replace(/\.ipynb$/, '')}-${label}.png`) });
}

async function checkNotebook(name) {
  const page = await newPage(name);
  const kernel = await openNotebook(page, lab, name, 120);
  say(`${name}: open, kernel "${kernel.name}" connected`);
  const document = await runAndSave(page, name);
  await checkDocument(name, document);

  (await lookAtFigures(page, name, document)).forEach(problem);

  const typed = options.complete.split('\n').at(-1);
  const { suggestions, seconds } = await complete(page, options.complete, problems.length === 0 ? 60 : 10);
  await shot(page, name, 'completion');
  if (suggestions.some((s) => s.includes(options.expect))) say(`${name}: Tab after "${typed}" suggests ${suggestions.length} names after ${seconds.toFixed(1)} s, ${options.expect} among them`);
  else problem(`${name}: Tab after "${typed}" suggests ${JSON.stringify(suggestions.slice(0, 10))}, without ${options.expect}`);
  await page.close();
}

/** What is wrong unless as many figures as the document has are in the page, none blank, and no markup is shown as text. */
async function lookAtFigures(page, name, document) {
  const known = new Map();
  const garbage = new Set();
  const moving = new Set();
  const wrong = [];
  await scrollThrough(page, async (step) => {
    await shot(page, name, String(step).padStart(2, '0'));
    for (const start of await garbled(page)) garbage.add(start);
    for (const figure of await visibleFigures(page, known)) {
      known.set(figure.key, figure);
      writeFileSync(join(shots, `${name.replace(/\.ipynb$/, '')}-figure-${figure.key.replace(':', '-')}.png`), figure.bytes);
    }
    for (const { what, moved } of await visibleMotion(page, moving)) if (!moved) wrong.push(`${name}: the ${what} does not move`);
  });
  const expected = document.cells.flatMap((cell) => cell.outputs ?? []).filter(isFigure).length;
  say(`${name}: ${known.size} figures seen in the page: ${[...known.values()].map((f) => `${f.width}x${f.height}`).join(', ')}`);
  const shouldMove = document.cells.flatMap((cell) => cell.outputs ?? []).filter(movesIn).length;
  if (moving.size < shouldMove) wrong.push(`${name}: the document has ${shouldMove} sliders and animations, the page shows ${moving.size}`);
  if (known.size < expected) wrong.push(`${name}: the document has ${expected} figures, the page shows ${known.size}`);
  for (const figure of known.values()) if (figure.colours < 3) wrong.push(`${name}: figure ${figure.key} (cell:figure) is blank`);
  for (const start of garbage) wrong.push(`${name}: an output shows markup as text: ${JSON.stringify(start)}`);
  return wrong;
}

/** Runs all cells and waits until the saved document shows that they ran. */
async function runAndSave(page, name) {
  const deadline = Date.now() + Number(options.timeout) * 1000;
  const begun = Date.now();
  await runAll(page);
  let lastProgress = -1;
  let asked = Date.now();
  for (;;) {
    await sleep(1000);
    await save(page);
    await sleep(500);
    const document = await lab.notebook(name);
    const cells = document.cells.filter(hasCode);
    const ran = cells.filter((cell) => cell.execution_count != null).length;
    if (ran !== lastProgress) say(`${name}: ${ran} of ${cells.length} code cells ran`);
    lastProgress = ran;
    const state = (await lab.kernel(name))?.execution_state;
    if (ran === cells.length && state === 'idle') {
      say(`${name}: all cells ran in ${((Date.now() - begun) / 1000).toFixed(1)} s`);
      return document;
    }
    const failed = cells.some((cell) => cell.outputs.some((output) => output.output_type === 'error'));
    if (failed && state === 'idle') return document; // The rest will not run; checkDocument says which cell.
    // JupyterLab drops "Run All" silently while its session is not connected yet.
    if (ran === 0 && state !== 'busy' && Date.now() - asked > 15000) {
      say(`${name}: nothing ran yet, asking again`);
      asked = Date.now();
      await runAll(page);
    }
    if (Date.now() > deadline) {
      problem(`${name}: ${ran} of ${cells.length} code cells ran within ${options.timeout} s; the kernel is ${state}`);
      return document;
    }
  }
}

async function checkDocument(name, document) {
  const cells = document.cells.filter(hasCode);
  if (cells.length === 0) problem(`${name}: no code cell`);
  cells.forEach((cell, index) => {
    const first = text(cell.source).trim().split('\n')[0];
    if (cell.execution_count == null) problem(`${name}: code cell ${index + 1} ("${first}") did not run`);
    for (const output of cell.outputs) {
      if (output.output_type === 'error') problem(`${name}: code cell ${index + 1} ("${first}") failed: ${output.evalue || output.ename}`);
    }
  });
  const figures = cells.flatMap((cell) => cell.outputs).filter(isFigure).length;
  say(`${name}: the saved document has ${cells.length} code cells and ${figures} figures`);
  if (figures === 0) problem(`${name}: no figure among the outputs`);
}
