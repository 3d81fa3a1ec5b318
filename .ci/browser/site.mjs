// Opens the pages of the site from disk, in light and in dark, and checks what a reader would see.
//
//   node .ci/browser/site.mjs [--shots DIR] FOLDER
import { existsSync, mkdirSync, mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';

const { values: options, positionals } = parseArgs({ allowPositionals: true, options: { shots: { type: 'string' } } });
if (positionals.length !== 1) {
  console.error('usage: node .ci/browser/site.mjs [--shots DIR] FOLDER');
  process.exit(2);
}
const browserPath = process.env.CHROMIUM ?? ['/usr/bin/chromium', '/usr/bin/google-chrome'].find(existsSync);
if (!browserPath) {
  console.error('No Chromium found: install it (Debian: apt-get install chromium) or name it in the variable CHROMIUM.');
  process.exit(2);
}
const site = resolve(positionals[0]);
const shots = options.shots ? resolve(options.shots) : mkdtempSync(join(tmpdir(), 'gosciml-shots-'));
mkdirSync(shots, { recursive: true });

const problems = [];
const pages = readdirSync(site).filter((name) => name.endsWith('.html'));
if (!pages.includes('index.html') || pages.length < 2) problems.push(`${site} has the pages ${pages}, expected a list and chapters`);
const browser = await chromium.launch({ executablePath: browserPath, args: ['--no-sandbox'] });
try {
  for (const colorScheme of ['light', 'dark']) {
    const context = await browser.newContext({ viewport: { width: 900, height: 1200 }, colorScheme });
    for (const name of pages) await check(context, name, colorScheme).catch((error) => problems.push(`${name} (${colorScheme}): ${error.message}`));
    await context.close();
  }
} finally {
  await browser.close();
}
console.log(`pictures are in ${shots}`);
console.log(problems.length === 0 ? `site check: ok, ${pages.length} pages` : `site check: ${problems.length} problem(s)\n- ${problems.join('\n- ')}`);
process.exit(problems.length === 0 ? 0 : 1);

async function check(context, name, scheme) {
  const page = await context.newPage();
  const wrong = (text) => problems.push(`${name} (${scheme}): ${text}`);
  page.on('request', (request) => /^(file|data|blob):/.test(request.url()) || wrong(`it asks for ${request.url()}`));
  page.on('console', (message) => message.type() === 'error' && wrong(`it logs ${message.text()}`));
  page.on('pageerror', (error) => wrong(error.message));
  await page.goto(pathToFileURL(join(site, name)).href);
  // Mathematics and figures are drawn after the page is there.
  await page.evaluate(() => window.MathJax?.startup?.promise);
  await page
    .waitForFunction(() => document.querySelectorAll('.play').length === document.querySelectorAll('.playing').length, null, { timeout: 30000 })
    .catch(() => wrong('a figure to play with was not drawn within 30 s'));
  const seen = await page.evaluate(() => {
    const main = document.querySelector('main');
    const rest = main.cloneNode(true);
    rest.querySelectorAll('pre, code, script, style, mjx-container').forEach((el) => el.remove());
    const broken = [...main.querySelectorAll('img')].filter((img) => !img.complete || img.naturalWidth === 0).length;
    return {
      broken,
      math: main.querySelectorAll('mjx-container').length,
      wrongMath: [...main.querySelectorAll('mjx-merror, [data-mml-node="merror"]')].map((el) => el.textContent).join(', '),
      left: /\$[^$\n]+\$|<!--|-->/.exec(rest.textContent)?.[0],
      wide: document.documentElement.scrollWidth,
      images: main.querySelectorAll('img').length,
      plays: main.querySelectorAll('.playing').length,
      undescribed: [...main.querySelectorAll('img')].filter((img) => !img.alt).length,
    };
  });
  if (seen.broken) wrong(`${seen.broken} of ${seen.images} pictures are not shown`);
  if (seen.undescribed) wrong(`${seen.undescribed} of ${seen.images} pictures have no description`);
  if (seen.wrongMath) wrong(`mathematics that is none: ${seen.wrongMath}`);
  if (seen.left) wrong(`it shows ${JSON.stringify(seen.left)} as it was typed`);
  if (seen.wide > 900) wrong(`it is ${seen.wide} pixels wide in a window of 900`);
  await page.screenshot({ path: join(shots, `site-${name.replace(/\.html$/, '')}-${scheme}.png`), fullPage: true });
  console.log(`${name} (${scheme}): ${seen.math} formulas, ${seen.images} pictures, ${seen.plays} to play with`);
  await page.close();
}
