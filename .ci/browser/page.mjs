// What a reader does and sees in JupyterLab's page.
import { setTimeout as sleep } from 'node:timers/promises';

const panel = '.jp-NotebookPanel:not(.lm-mod-hidden)';

/** Opens a notebook and waits until the page shows it and its kernel is connected. */
export async function openNotebook(page, lab, name, timeoutSeconds) {
  await page.goto(`${lab.origin}/lab/tree/${encodeURIComponent(name)}?token=${lab.token}&reset`);
  await page.locator(`${panel} .jp-Notebook .jp-Cell`).first().waitFor({ timeout: timeoutSeconds * 1000 });
  const deadline = Date.now() + timeoutSeconds * 1000;
  while (Date.now() < deadline) {
    const kernel = await lab.kernel(name);
    if (kernel?.connections > 0 && ['idle', 'starting'].includes(kernel.execution_state)) return kernel;
    await sleep(200);
  }
  throw new Error(`${name}: no kernel was connected within ${timeoutSeconds} s`);
}

/** Run ▸ Run All Cells, from the menu as a reader would. */
export async function runAll(page) {
  await page.locator('.lm-MenuBar-item', { hasText: /^Run$/ }).click();
  await page.locator('.lm-Menu-item[data-command="runmenu:run-all"]').click();
}

/** File ▸ Save. The saved document is what the checks read. */
export async function save(page) {
  await page.locator(`${panel} .jp-Notebook`).first().press('Control+s');
}

/**
 * Scrolls through the notebook from top to bottom, calling `visit(step)` at each
 * position. JupyterLab attaches only cells near the window, so a single look
 * at the page would miss most of them.
 */
export async function scrollThrough(page, visit) {
  const scroller = page.locator(`${panel} .jp-WindowedPanel-outer`).first();
  await scroller.evaluate((el) => (el.scrollTop = 0));
  await sleep(500);
  for (let step = 0; step < 200; step++) {
    await visit(step);
    const moved = await scroller.evaluate((el) => {
      const before = el.scrollTop;
      el.scrollTop += Math.round(el.clientHeight * 0.85);
      // JupyterLab scrolls past the last cell; what comes there is empty.
      const window_ = el.getBoundingClientRect();
      const inSight = [...el.querySelectorAll('.jp-Cell')].some((cell) => cell.getBoundingClientRect().bottom > window_.top + 20);
      return el.scrollTop > before && inSight;
    });
    if (!moved) return;
    await sleep(500);
  }
}

/**
 * The figures in the window now, as {key, image}: key says which cell and which
 * figure of it, image how many pixels it has and how many colours.
 */
export async function visibleFigures(page, known) {
  const found = [];
  const figures = page.locator(`${panel} .jp-OutputArea-output :is(img, svg, canvas)`);
  for (const figure of await figures.all()) {
    const key = await figure
      .evaluate((el) => {
        if (el.parentElement.closest('svg')) return null;
        const cell = el.closest('.jp-Cell');
        const all = [...cell.querySelectorAll('.jp-OutputArea-output :is(img, svg, canvas)')].filter((x) => !x.parentElement.closest('svg'));
        const box = el.getBoundingClientRect();
        const window_ = el.closest('.jp-WindowedPanel-outer').getBoundingClientRect();
        const middle = (box.top + box.bottom) / 2;
        if (box.width < 50 || box.height < 50 || middle < window_.top || middle > window_.bottom) return null;
        return `${cell.dataset.windowedListIndex ?? [...cell.parentElement.children].indexOf(cell)}:${all.indexOf(el)}`;
      })
      .catch(() => null); // It was detached while we looked; the next position shows it.
    if (!key || known.has(key)) continue;
    const bytes = await figure.screenshot({ timeout: 10000 }).catch(() => null);
    if (bytes) found.push({ key, bytes, ...(await inspect(page, bytes)) });
  }
  return found;
}

/**
 * What is in the window now and should move: sliders, each of which is moved to its other end, and animated PNG, which are
 * watched for longer than they rest at their end. Returns {what, moved} for each that is not in `known`, a set of its cells.
 */
export async function visibleMotion(page, known) {
  const found = [];
  const outputs = page.locator(`${panel} .jp-OutputArea-output`);
  for (const output of await outputs.all()) {
    const seen = await output
      .evaluate((el) => {
        const box = el.getBoundingClientRect();
        const window_ = el.closest('.jp-WindowedPanel-outer').getBoundingClientRect();
        const middle = (box.top + box.bottom) / 2;
        if (middle < window_.top || middle > window_.bottom) return null;
        const slider = el.querySelector('.vega-bindings input[type=range]');
        const animated = [...el.querySelectorAll('img')].some((img) => img.src.startsWith('data:image/png;base64,') && atob(img.src.slice(22, 222)).includes('acTL'));
        const cell = el.closest('.jp-Cell');
        return { kind: slider ? 'slider' : animated ? 'animation' : null, cell: cell.dataset.windowedListIndex ?? [...cell.parentElement.children].indexOf(cell) };
      })
      .catch(() => null); // It was detached while we looked; the next position shows it.
    if (!seen?.kind || known.has(`${seen.kind} of cell ${seen.cell}`)) continue;
    const what = `${seen.kind} of cell ${seen.cell}`;
    known.add(what);
    const picture = output.locator(':is(img, canvas)').first();
    const before = await picture.screenshot();
    if (seen.kind === 'slider') {
      await output.locator('.vega-bindings input[type=range]').first().evaluate((el) => {
        el.value = el.value === el.max ? el.min : el.max;
        el.dispatchEvent(new Event('input', { bubbles: true }));
      });
    }
    let moved = false;
    for (const deadline = Date.now() + 6000; !moved && Date.now() < deadline; ) {
      await sleep(150);
      moved = !before.equals(await picture.screenshot());
    }
    found.push({ what, moved });
  }
  return found;
}

/** The beginnings of outputs in sight that are markup or style sheets instead of something to read. */
export async function garbled(page) {
  const texts = await page.locator(`${panel} .jp-OutputArea-output`).allInnerTexts();
  return texts.map((text) => text.trim().slice(0, 60)).filter((start) => /^(<|svg\b|[.#*@]?[\w-]+\s*\{|[\w-]+:[^ ]+;)/i.test(start));
}

/** Width, height and number of different colours of a PNG; a blank figure has one or two. */
async function inspect(page, bytes) {
  return page.evaluate(async (base64) => {
    const bitmap = await createImageBitmap(await (await fetch(`data:image/png;base64,${base64}`)).blob());
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    const context = canvas.getContext('2d');
    context.drawImage(bitmap, 0, 0);
    const pixels = new Uint32Array(context.getImageData(0, 0, bitmap.width, bitmap.height).data.buffer);
    return { width: bitmap.width, height: bitmap.height, colours: new Set(pixels).size };
  }, bytes.toString('base64'));
}

/**
 * Adds a code cell at the end, types `text`, presses Tab, and returns the
 * suggestions and the seconds until they came. The language server may still be
 * reading the module, so an empty answer is asked again.
 */
export async function complete(page, text, timeoutSeconds) {
  const notebook = page.locator(`${panel} .jp-Notebook`).first();
  await notebook.focus();
  await page.keyboard.press('Escape');
  await page.keyboard.press('Control+End');
  await page.keyboard.press('b');
  await page.keyboard.press('Enter');
  await page.keyboard.type(text);
  const started = Date.now();
  const seconds = () => (Date.now() - started) / 1000;
  while (seconds() < timeoutSeconds) {
    await page.keyboard.press('Tab');
    const list = page.locator('.jp-Completer:not(.lm-mod-hidden) .jp-Completer-item');
    try {
      await list.first().waitFor({ timeout: 2500 });
      const suggestions = await list.allInnerTexts();
      if (!suggestions.every((text) => text.includes('language server is starting'))) return { suggestions, seconds: seconds() };
      await page.keyboard.press('Escape'); // Closes the list, and leaves the cell in edit mode.
      await sleep(1000);
    } catch {
      // Nothing yet. Remove what Tab may have inserted instead, and try again.
      const typed = await page.locator(`${panel} .jp-Cell.jp-mod-active .cm-content`).innerText();
      for (let i = typed.trimStart().length; i > text.trimStart().length; i--) await page.keyboard.press('Backspace');
    }
  }
  return { suggestions: [], seconds: seconds() };
}
