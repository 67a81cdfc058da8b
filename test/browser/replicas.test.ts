/** The pages of replicas and images, over a master whose machines and answers are real: see support/story.ts. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { fleetSchema, throughputSchema } from '../../src/daemon/control/schemas/fleet.js';
import { snapshotSchema } from '../../src/daemon/control/schemas/image.js';
import { launchBrowser, phone, picture, visit } from './support/browser.js';
import { overflowOf, troublesOf } from './support/checks.js';
import { FakeMaster } from './support/fake_master.js';
import { hero, now_ms, tellStory, throughput } from './support/story.js';
import type { StoryMaster } from './support/story_master.js';

let browser: Browser;
let master: StoryMaster;

beforeAll(async () => {
  [browser, master] = await Promise.all([launchBrowser(), tellStory()]);
});

afterAll(async () => {
  await browser?.close();
  await master?.close();
});

/** A machine with much to do may take its time. */
const patience = { timeout: 15_000, interval: 25 };

async function withPage(
  path: string,
  work: (page: Page) => Promise<void>,
  options: Parameters<typeof visit>[2] & { readonly origin?: string } = {},
): Promise<void> {
  const { origin = master.origin, ...rest } = options;
  const { page, context, faults } = await visit(browser, origin, rest);
  try {
    await page.goto(path);
    await work(page);
    expect(faults).toEqual([]);
  } finally {
    await context.close();
  }
}

const read = async (path: string): Promise<unknown> => (await fetch(`${master.origin}/v1/${path}`)).json();

it('what is made up here is what a master could answer', async () => {
  expect(fleetSchema.parse(await read('fleet')).copies).toHaveLength(4);
  expect(
    throughputSchema.parse(throughput('berlin', now_ms / 1_000 - 600, 10)).samples.length,
  ).toBeGreaterThan(5);
  expect(z.array(snapshotSchema).parse(await read('images/debian-12/snapshots?needs=true'))).toHaveLength(15);
});

describe('the replicas', () => {
  it('are told with their states, since when, and how far they are behind', async () => {
    await withPage('/replicas', async (page) => {
      const berlin = page.getByRole('row', { name: /berlin/ });
      await expect
        .poll(() => berlin.innerText(), patience)
        .toMatch(/online[\s\S]*3 ms[\s\S]*1 running[\s\S]*1 of 1 behind by up to 6 h/);
      expect(await page.getByRole('row', { name: /vienna/ }).innerText()).toMatch(
        /ECONNRESET[\s\S]*offline[\s\S]*not known yet/,
      );
      expect(await troublesOf(page)).toEqual([]);
      await picture(page, 'replicas_wide');
      await page.getByRole('button', { name: /^online/ }).click();
      await expect.poll(() => page.getByRole('row').count(), patience).toBe(2);
      await master.happen(
        { kind: 'replica', id: 'hamburg' },
        { type: 'link.up', session: 'h9', address: '10.20.4.7:1', capabilities: null },
        { kind: 'daemon', what: 'the control link' },
      );
      await page.getByRole('button', { name: /^coming back/ }).click();
      await expect.poll(() => page.getByRole('row').nth(1).innerText(), patience).toMatch(/hamburg/);
    });
  });

  it('five hundred of them are quick to show, to filter and to scroll', async () => {
    const fake = await FakeMaster.start({ replicas: 500, images: 20, transfers: 10 });
    try {
      await withPage(
        '/replicas',
        async (page) => {
          const rows = page.locator('.replica-window .replica-row');
          await rows.first().waitFor();
          expect(await rows.count()).toBeLessThan(60);
          const filter = page.getByRole('searchbox');
          const began_ms = performance.now();
          await filter.fill('zrh-1');
          await expect.poll(() => page.getByRole('table').getAttribute('aria-rowcount'), patience).toBe('12');
          const took_ms = performance.now() - began_ms;
          expect(took_ms).toBeLessThan(1_500);
          await filter.fill('');
          await expect
            .poll(() => page.getByRole('table').getAttribute('aria-rowcount'), patience)
            .toBe('501');
          await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
          await expect.poll(() => rows.last().getAttribute('aria-rowindex'), patience).toBe('501');
        },
        { origin: fake.origin },
      );
    } finally {
      await fake.close();
    }
  });
});

describe('one replica', () => {
  it('shows its keep-alives as a strip and as a table', async () => {
    await withPage('/replicas/berlin', async (page) => {
      const alive = page.getByRole('region', { name: /Keep-alives/ });
      await expect.poll(() => alive.locator('.alive-period').count(), patience).toBeGreaterThan(2);
      const day = await alive.locator('.alive-period').count();
      await alive.getByRole('button', { name: '7 d' }).click();
      await expect.poll(() => alive.locator('.alive-period').count(), patience).toBeGreaterThan(day);
      await alive.locator('summary').click();
      const table = alive.getByRole('table');
      expect(await table.locator('tbody tr').count()).toBe(await alive.locator('.alive-period').count());
      expect(await table.innerText()).toMatch(/offline\s+5 h\s+no answer to 3 keep-alives/);
      expect(await troublesOf(page)).toEqual([]);
      await picture(page, 'replica_wide');
    });
  });

  it('shows its throughput as a plot and as a table, for each range', async () => {
    await withPage('/replicas/berlin', async (page) => {
      const plot = page.getByRole('region', { name: /Throughput/ });
      await plot.locator('canvas').waitFor();
      const painted = () =>
        plot.locator('canvas').evaluate((canvas) => {
          const { width, height } = canvas as HTMLCanvasElement;
          const pixels =
            (canvas as HTMLCanvasElement).getContext('2d')?.getImageData(0, 0, width, height).data ?? [];
          return pixels.filter((value, index) => index % 4 === 3 && value > 0).length;
        });
      await expect.poll(painted, patience).toBeGreaterThan(1_000);
      for (const [name, words] of [
        ['24 h', '24 hours'],
        ['7 d', '7 days'],
      ] as const) {
        await plot.getByRole('button', { name }).click();
        await expect
          .poll(() => plot.locator('h2').innerText(), patience)
          .toMatch(new RegExp(`iB in the last ${words}`));
      }
      await plot.locator('summary').click();
      expect(await plot.locator('tbody tr').count()).toBeGreaterThan(10);
      await plot.locator('.u-over').hover();
      await expect
        .poll(() => plot.locator('.plot-readout').innerText(), patience)
        .toMatch(/^\d\d:\d\d: stream .*B\/s, link .*B\/s$/);
    });
  });

  it('shows its copies, its transfers and its chart, on a phone too', async () => {
    for (const viewport of [undefined, phone]) {
      await withPage(
        '/replicas/1',
        async (page) => {
          await expect
            .poll(() => page.getByRole('region', { name: 'Its copies' }).innerText(), patience)
            .toMatch(/debian-12[\s\S]*in transfer/);
          await page.getByRole('link', { name: hero.id }).first().waitFor();
          expect(await page.locator('.state.is-current').getAttribute('data-state')).toBe('online');
          expect(await overflowOf(page)).toBeLessThanOrEqual(0);
          await picture(page, viewport === undefined ? 'replica' : 'replica_phone');
        },
        viewport === undefined ? {} : { viewport, colours: 'dark' },
      );
    }
  });
});

describe('one image', () => {
  it('says who holds and who needs its snapshots; one is taken, and one sent', async () => {
    await withPage('/images/debian-12', async (page) => {
      const snapshots = page.getByRole('region', { name: 'Snapshots on this master' });
      await expect.poll(() => snapshots.locator('tbody tr').count(), patience).toBe(15);
      expect(await snapshots.locator('tr', { hasText: '0041' }).innerText()).toMatch(
        /transfer 17-3fa9 to berlin builds on it/,
      );
      expect(await page.getByRole('region', { name: 'Copies on replicas' }).innerText()).toMatch(
        /hamburg[\s\S]*2 snapshots, 12 h[\s\S]*16-b0c2 failed/,
      );
      expect(await page.getByRole('region', { name: 'History' }).innerText()).toMatch(/image: send/);
      expect(await troublesOf(page)).toEqual([]);
      await picture(page, 'image_wide');
      await page.getByRole('button', { name: 'Take a snapshot' }).click();
      await expect.poll(() => snapshots.locator('tbody tr').first().innerText(), patience).toMatch(/^0043/);
      await page.getByRole('button', { name: 'Send 0043 to…' }).click();
      await page.getByRole('dialog', { name: 'Start a transfer' }).waitFor();
      await expect
        .poll(() => page.getByRole('dialog').getByLabel('Snapshot').inputValue(), patience)
        .toBe('0043');
    });
  });

  it('is read on a phone', async () => {
    await withPage(
      '/images/debian-12',
      async (page) => {
        await page
          .getByRole('region', { name: 'Snapshots on this master' })
          .locator('tbody tr')
          .first()
          .waitFor();
        expect(await overflowOf(page)).toBeLessThanOrEqual(0);
        await picture(page, 'image_phone_dark');
      },
      { viewport: phone, colours: 'dark' },
    );
  });
});
