// Opens a report in headless Chromium and says what is wrong with it, one fault a line; nothing is right.
// look.cjs REPORT.html [FOLDER for pictures]
'use strict';
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { pathToFileURL } = require('node:url');
const { chromium } = require('playwright-core');
const axe = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

const FLAGS = ['--no-first-run', '--disable-gpu', '--disable-background-networking', '--disable-component-update',
  '--disable-sync', '--disable-quic'];
// A loaded machine is no fault of the page's: these are only to end what hangs.
const PATIENCE_MS = 300_000;
// As many stops of the tabulator are looked at: more than the demonstration's report has.
const STOPS = 60;
const LOOKS = [['light', 1280], ['dark', 1280], ['light', 390], ['dark', 390]];

async function main([file, pictures]) {
  const faults = [];
  const url = pathToFileURL(path.resolve(file)).href;
  const own = fs.mkdtempSync(path.join(os.tmpdir(), 'netcheck-chromium-'));
  const context = await chromium.launchPersistentContext(own, {
    executablePath: process.env.CHROMIUM || '/usr/bin/chromium', headless: true, chromiumSandbox: false, args: FLAGS,
    timeout: PATIENCE_MS, serviceWorkers: 'block', acceptDownloads: false,
  });
  try {
    for (const [scheme, width] of LOOKS) {
      const fault = (text) => faults.push(`${scheme} ${width}: ${text}`);
      const page = await open(context, url, scheme, width, fault);
      if (pictures) {
        const name = `report-${scheme}-${width}.png`;
        await page.screenshot({ path: path.join(pictures, name), clip: { x: 0, y: 0, width, height: 1500 }, fullPage: true });
        await page.locator('details', { has: page.locator('.strips') }).first()
          .screenshot({ path: path.join(pictures, name.replace('report', 'row')) });
      }
      await harmless(page, fault);
      await fits(page, fault);
      await accessible(page, fault);
      await keyboard(page, url, fault);
      // Paper is as wide and as light as it is, and takes the longest.
      if (scheme === 'light' && width === 1280) await paper(page, fault);
      await page.close();
    }
  } finally {
    await context.close();
    fs.rmSync(own, { recursive: true, force: true });
  }
  return faults;
}

// Whatever the page asks for besides itself is refused and told; so is whatever it says or runs.
async function open(context, url, scheme, width, fault) {
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  await page.setViewportSize({ width, height: 1000 });
  await page.emulateMedia({ colorScheme: scheme });
  page.on('console', (message) => {
    if (message.type() !== 'log' && message.type() !== 'debug') fault(`the console says: ${message.text()}`);
  });
  page.on('pageerror', (error) => fault(`a script failed, so one ran: ${error.message}`));
  page.on('dialog', (dialog) => { fault(`a dialog: ${dialog.message()}`); return dialog.dismiss(); });
  page.on('popup', () => fault('another page opened'));
  await page.route('**/*', (route) => {
    if (route.request().url().split('#')[0] === url) return route.continue();
    fault(`a request: ${route.request().url().slice(0, 200)}`);
    return route.abort();
  });
  await page.goto(url, { waitUntil: 'load' });
  await page.mouse.move(width / 2, 500);
  return page;
}

// No markup but the report's own, and no character that changes how others are shown.
async function harmless(page, fault) {
  const found = await page.evaluate(() => {
    const found = [];
    const foreign = 'script[src],iframe,frame,object,embed,img,link,form,input,base,audio,video,template,math,foreignObject,use,a[href]:not([href^="#"])';
    for (const each of document.querySelectorAll(foreign)) found.push(`foreign markup: ${each.outerHTML.slice(0, 200)}`);
    if (document.scripts.length !== 1) found.push(`${document.scripts.length} scripts, and one is the page's own`);
    for (const each of document.querySelectorAll('*')) {
      for (const { name } of each.attributes) if (name.startsWith('on')) found.push(`a handler: ${each.outerHTML.slice(0, 200)}`);
    }
    const ruling = /[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]/u;
    const texts = document.createTreeWalker(document, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT);
    for (let node = texts.nextNode(); node; node = texts.nextNode()) {
      const text = node.nodeType === 3 ? node.data : [...node.attributes].map((each) => each.value).join(' ');
      if (ruling.test(text)) found.push(`a ruling character: ${JSON.stringify(text.slice(0, 100))}`);
    }
    if (window.ran !== undefined) found.push('a script ran');
    return found;
  });
  found.forEach(fault);
}

// The page never has to be pushed sideways, opened up or not.
async function fits(page, fault) {
  const wide = () => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  if (await wide() > 0) fault(`the page is ${await wide()} px too wide`);
  await page.evaluate(() => document.querySelectorAll('details').forEach((each) => { each.dataset.was = each.open; each.open = true; }));
  if (await wide() > 0) fault(`the opened page is ${await wide()} px too wide`);
}

// Everything open, as nobody should meet a fault by opening a part.
async function accessible(page, fault) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  for (const { id, impact, help, nodes } of violations) {
    if (impact === 'serious' || impact === 'critical') fault(`${impact}: ${id}: ${help}: ${nodes[0].html.slice(0, 200)}`);
  }
}

// The first stop skips to the answer; every part opens with Enter; where one is shows.
async function keyboard(page, url, fault) {
  await page.goto('about:blank');
  await page.goto(url, { waitUntil: 'load' });
  await page.keyboard.press('Tab');
  if (await page.evaluate(() => document.activeElement.className) !== 'skip') fault('the first stop is not the skip link');
  await page.keyboard.press('Enter');
  // A navigation within the page is a task of its own: a key's press does not wait for it.
  await page.waitForFunction(() => location.hash === '#answer').catch(() => fault('the skip link does not skip'));
  let opened = 0;
  for (let stop = 0; stop < STOPS; stop++) {
    await page.keyboard.press('Tab');
    const here = await page.evaluate(() => {
      const { activeElement: it } = document;
      const { outlineStyle, outlineWidth } = getComputedStyle(it);
      const closed = it.tagName === 'SUMMARY' && !it.parentElement.open;
      return { name: it.tagName, shown: outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2, closed };
    });
    if (here.name === 'BODY') break;
    if (!here.shown) fault(`focus does not show on ${here.name}`);
    if (!here.closed) continue;
    await page.keyboard.press('Enter');
    if (!await page.evaluate(() => document.activeElement.parentElement.open)) fault('Enter does not open a part');
    opened += 1;
  }
  if (opened === 0 && await page.locator('details:not([open])').count() > 0) fault('there was no closed part to open');
}

// On paper are the answer, each finding and request and a line for each requirement, on two pages; no host or range is broken.
async function paper(page, fault) {
  await page.goto('about:blank');
  await page.goBack();
  await page.emulateMedia({ media: 'print' });
  await page.setViewportSize({ width: 700, height: 1000 });
  const wrong = await page.evaluate(() => {
    const shown = (each) => each.getBoundingClientRect().height > 0;
    const needed = '.verdict, .answers li, .role, .finding, .request, #requirements, summary:not(#records ~ * *)';
    return [...document.querySelectorAll(needed)].filter((each) => !shown(each)).map((each) => `not on paper: ${each.textContent.slice(0, 80)}`)
      .concat([...document.querySelectorAll('.token')].filter((each) => each.getClientRects().length > 1).map((each) => `broken: ${each.textContent}`))
      .concat([...document.querySelectorAll('.token')].filter((each) => shown(each) && each.getBoundingClientRect().right > innerWidth)
        .map((each) => `cut off: ${each.textContent}`));
  });
  wrong.forEach(fault);
  const pdf = await page.pdf({ format: 'A4', preferCSSPageSize: true });
  if (pdf.subarray(0, 5).toString() !== '%PDF-' || pdf.length < 20_000) fault(`no PDF: ${pdf.length} bytes`);
  const pages = (pdf.toString('latin1').match(/\/Type\s*\/Page\b/g) || []).length;
  if (pages > Number(process.env.PAPER_PAGES)) fault(`${pages} pages of paper`);
}

main(process.argv.slice(2)).then((faults) => {
  process.stdout.write(faults.map((fault) => `${fault}\n`).join(''));
  process.exitCode = faults.length > 0 ? 1 : 0;
}, (error) => { process.stderr.write(`${error.stack}\n`); process.exitCode = 2; });
