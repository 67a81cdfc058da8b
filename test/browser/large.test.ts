/** The page with 500 replicas of 20 images and 10,000 transfers: that it is quick, and that it can be used by all. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fleetSchema } from '../../src/daemon/control/schemas/fleet.js';
import { transferSchema } from '../../src/daemon/control/schemas/transfer.js';
import { at_ms, makeTransfer } from './support/big_fleet.js';
import { type Visit, launchBrowser, phone, picture, visit, wide } from './support/browser.js';
import { overflowOf, percentile, busyTime, troublesOf } from './support/checks.js';
import { FakeMaster } from './support/fake_master.js';

const size = { replicas: 500, images: 20, transfers: 10_000 };
/** Of a processor, to the first view. */
const first_ms_max = 1_500;
/** Of a processor, for whatever somebody does. */
const interaction_ms_max = 200;

/** The fake master knows nothing of what the page of one transfer asks. */
const missing = { expected: /404/ };

let browser: Browser;
let master: FakeMaster;

beforeAll(async () => {
  browser = await launchBrowser();
  master = await FakeMaster.start(size);
});

afterAll(async () => {
  await browser?.close();
  await master?.close();
});

/** Opens a view, does something with it, and wants the page to have kept its rules. */
async function look(path: string, work: (page: Page) => Promise<void>, options = {}): Promise<void> {
  const opened: Visit = await visit(browser, master.origin, options);
  try {
    await opened.page.goto(path);
    await work(opened.page);
    expect(opened.faults).toEqual([]);
  } finally {
    await opened.context.close();
  }
}

test('the made-up fleet is one that a master could have', () => {
  fleetSchema.parse(master.fleet);
  for (const transfer of master.transfers.slice(0, 200)) transferSchema.parse(transfer);
  expect(master.fleet.copies).toHaveLength(10_000);
});

describe('the fleet', () => {
  test('is there at once, scrolls, filters and sorts without waiting', () =>
    look('about:blank', async (page) => {
      const first_ms = await busyTime(
        page,
        async () => void (await page.goto('/')),
        () => page.waitForSelector('.cell'),
      );
      expect(first_ms).toBeLessThan(first_ms_max);
      expect(await page.locator('.matrix tbody tr').count()).toBeLessThan(80);

      const times_ms: number[] = [];
      const box = page.locator('.matrix-box');
      for (let turn = 1; turn <= 12; turn += 1) {
        const top = turn * 1_500;
        const row = Math.floor(top / 38) + 3;
        const scroll = (): Promise<void> => box.evaluate((element, to) => void (element.scrollTop = to), top);
        times_ms.push(
          await busyTime(page, scroll, () => page.waitForSelector(`tr[aria-rowindex="${row + 2}"]`)),
        );
      }
      const search = page.getByLabel('Replica or image');
      for (const [text, rows] of [
        ['ber-1', 11],
        ['postgres', 500],
        ['', 500],
      ] as const) {
        const typed = (): Promise<void> => search.fill(text);
        const shown = (): Promise<unknown> => page.waitForSelector(`.matrix[aria-rowcount="${rows + 1}"]`);
        times_ms.push(await busyTime(page, typed, shown));
      }
      const worst = page.getByRole('button', { name: 'Worst first' });
      const isWorst = (): Promise<unknown> =>
        page.waitForSelector('.matrix tbody tr:first-child.row-offline');
      times_ms.push(await busyTime(page, () => worst.click(), isWorst));
      const failed = page.getByRole('button', { name: /failed/ }).first();
      times_ms.push(
        await busyTime(
          page,
          () => failed.click(),
          () => page.waitForURL(/state=failed/),
        ),
      );
      expect(percentile(times_ms, 95)).toBeLessThan(interaction_ms_max);
    }));

  test('is walked through with keys, and a copy is sent with two of them', () =>
    look('/', async (page) => {
      const copy = master.fleet.copies.find(
        ({ state, replica }) => state === 'behind' && replica === 'ber-02',
      );
      if (copy === undefined) throw new Error('no copy to send');
      await page.locator('.cell').first().focus();
      await page.keyboard.press('ArrowDown');
      await page.keyboard.press('End');
      expect(await page.evaluate(() => document.activeElement?.getAttribute('data-place'))).toBe('1:19');
      await page.keyboard.press('Home');
      await page.keyboard.press('PageDown');
      await page.keyboard.press('PageDown');
      await page.keyboard.press('PageDown');
      expect(await page.evaluate(() => document.activeElement?.getAttribute('data-place'))).toBe('37:0');

      await page.getByLabel('Replica or image').fill('ber-02');
      await page.locator(`[data-copy="${copy.replica}/${copy.image}"]`).focus();
      await page.keyboard.press('Enter');
      const card = page.getByRole('dialog', { name: `${copy.image} on ber-02` });
      await card.getByText(`behind, for`).waitFor();
      expect(await troublesOf(page)).toEqual([]);
      await picture(page, 'copy-light');
      await page.keyboard.press('Escape');
      await card.waitFor({ state: 'detached' });
      await page.keyboard.press('Enter');
      await card.getByRole('button', { name: /Send newest/ }).click();
      await page.getByText(/has begun/).waitFor();
      expect(master.asked.at(-1)).toMatchObject({
        method: 'POST',
        path: 'transfers',
        body: { image: copy.image, to: ['ber-02'] },
      });
      await page.locator(`[data-copy="${copy.replica}/${copy.image}"].cell-in_transfer`).waitFor();
    }));
});

describe('the transfers', () => {
  test('all 10,000 can be scrolled through, sorted and filtered without waiting', () =>
    look('about:blank', async (page) => {
      const first_ms = await busyTime(
        page,
        async () => void (await page.goto('/transfers')),
        () => page.waitForSelector('.job-id a'),
      );
      expect(first_ms).toBeLessThan(first_ms_max);
      expect(await page.locator('.job').count()).toBeLessThan(80);

      const times_ms: number[] = [];
      for (const row of [500, 3_000, 9_980, 40]) {
        const scroll = (): Promise<void> => page.evaluate((top) => scrollTo(0, top), row * 42);
        times_ms.push(await busyTime(page, scroll, () => page.waitForSelector(`[data-row="${row}"]`)));
      }
      await page.evaluate(() => scrollTo(0, 0));
      const sort = page.getByRole('button', { name: 'Replica', exact: true });
      const isSorted = (): Promise<unknown> => page.waitForSelector('.job-to:text("ber-01")');
      times_ms.push(await busyTime(page, () => sort.click(), isSorted));
      const failed = master.transfers.filter(({ state }) => state === 'failed').length;
      const chip = page.getByRole('button', { name: /^failed/ });
      const isFiltered = (): Promise<unknown> => page.waitForSelector(`[aria-rowcount="${failed + 1}"]`);
      times_ms.push(await busyTime(page, () => chip.click(), isFiltered));
      expect(percentile(times_ms, 95)).toBeLessThan(interaction_ms_max);
      expect(page.url()).toContain('?state=failed&sort=replica');

      // The address alone brings the same list back.
      await page.reload();
      await isFiltered();
      await page.getByLabel('Id, image, snapshot or replica').fill('muc');
      await page.waitForURL(/text=muc/);
    }));

  test('change where they stand, and what is new waits until somebody wants to see it', () =>
    look('/transfers?state=sending,failed,queued', async (page) => {
      const [moving] = master.transfers.filter(({ state }) => state === 'sending');
      if (moving === undefined || moving.progress === null) throw new Error('nothing moves');
      const row = page.locator('.job', { hasText: moving.id });
      await row.hover();
      const top_px = (await row.boundingBox())?.y;
      const progress = { ...moving.progress, stream_bytes: (moving.progress.total_bytes ?? 0) * 0.9 };
      master.tell('progress', [{ id: moving.id, progress }]);
      await row.getByText('90 %').waitFor();
      const made = {
        ...makeTransfer(0, size),
        id: '20000-0001',
        created_at_ms: at_ms + 1,
        updated_at_ms: at_ms + 1,
      };
      master.change([{ ...moving, state: 'completed', settled: true, progress: null }, made]);
      await row.getByText('completed').waitFor();
      expect((await row.boundingBox())?.y).toBe(top_px);
      expect(await page.getByText('20000-0001').count()).toBe(0);
      await page.getByRole('button', { name: '2 changes, show' }).click();
      await page.getByRole('link', { name: '20000-0001' }).waitFor();
      expect(await page.getByRole('link', { name: moving.id }).count()).toBe(0);
    }));

  test('are chosen and opened with keys, and run again', () =>
    look(
      '/transfers?state=failed',
      async (page) => {
        await page.waitForSelector('.job-id a');
        await page.keyboard.press('j');
        await page.keyboard.press('x');
        await page.keyboard.press('j');
        await page.keyboard.press('x');
        const chosen = await page.locator('.job-selected a').allTextContents();
        expect(chosen).toHaveLength(2);
        await page.getByRole('button', { name: 'Run 2 transfers again' }).click();
        await page.getByText('2 transfers run again').waitFor();
        const paths = master.asked.slice(-2).map(({ path }) => path);
        expect(paths.toSorted()).toEqual(chosen.map((id) => `transfers/${id}/redrive`).toSorted());

        await page.getByRole('button', { name: /Run all \d+ failed again/ }).click();
        const dialog = page.getByRole('dialog');
        await dialog.getByText(/would run again, the last one to begin in/).waitFor();
        expect(await troublesOf(page)).toEqual([]);
        await picture(page, 'redrive-light');
        await page.keyboard.press('Escape');
        await dialog.waitFor({ state: 'detached' });

        await page.keyboard.press('/');
        expect(await page.evaluate(() => document.activeElement?.getAttribute('type'))).toBe('search');
        await page.keyboard.press('Escape');
        await page.keyboard.press('?');
        await page.getByRole('dialog', { name: 'Keys' }).waitFor();
        await page.keyboard.press('Escape');
        await page.keyboard.press('k');
        await page.keyboard.press('Enter');
        await page.waitForURL(/\/transfers\/\d+-/);
        await page.goBack();
        await page.waitForSelector('.job-id a');
        expect(page.url()).toContain('state=failed');
      },
      missing,
    ));
});

test('a transfer is started from the dialog', () =>
  look(
    '/',
    async (page) => {
      await page.getByRole('button', { name: 'Start a transfer' }).click();
      const dialog = page.getByRole('dialog', { name: 'Start a transfer' });
      await dialog.getByLabel(/^Image/).selectOption('mail');
      const send = dialog.getByRole('button', { name: 'Send' });
      expect(await send.getAttribute('aria-disabled')).toBe('true');
      await dialog.getByLabel('Filter replicas').fill('zrh-07');
      await dialog.getByLabel('zrh-07').check();
      await dialog.getByLabel('Compression on the way').selectOption('lz4');
      expect(await troublesOf(page)).toEqual([]);
      await picture(page, 'start-light');
      await send.click();
      await page.waitForURL(/\/transfers\/\d+-beef/);
      expect(master.asked.at(-1)?.body).toMatchObject({ image: 'mail', to: ['zrh-07'], codec: 'lz4' });
    },
    missing,
  ));

describe('everybody can use it', () => {
  for (const [form, viewport] of Object.entries({ wide, phone })) {
    for (const colours of ['light', 'dark'] as const) {
      for (const [view, path, ready] of [
        ['fleet', '/', '.cell'],
        ['transfers', '/transfers', '.job-id a'],
      ] as const) {
        test(`${view}, ${form}, ${colours}: nothing sticks out, everything has a name`, () =>
          look(
            path,
            async (page) => {
              await page.waitForSelector(ready);
              expect(await overflowOf(page)).toBeLessThanOrEqual(0);
              expect(await troublesOf(page)).toEqual([]);
              const ground = await page.evaluate(
                () => getComputedStyle(document.documentElement).backgroundColor,
              );
              expect(ground).toBe(colours === 'light' ? 'rgb(245, 246, 248)' : 'rgb(15, 18, 22)');
              await picture(page, `${view}-${form}-${colours}`);
            },
            { viewport, colours },
          ));
      }
    }
  }

  test('colours are as somebody chose them, also after coming back', () =>
    look('/', async (page) => {
      const ground = (): Promise<string> =>
        page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
      await page.getByRole('button', { name: /^Colours: as the system/ }).click();
      await page.getByRole('button', { name: /^Colours: light/ }).click();
      expect(await ground()).toBe('rgb(15, 18, 22)');
      await page.reload();
      await page.waitForSelector('.cell');
      expect(await ground()).toBe('rgb(15, 18, 22)');
    }));
});
