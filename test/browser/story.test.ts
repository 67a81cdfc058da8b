/** One evening of an operator, on a real fleet: started, watched, broken, run again, and a master that comes back. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Fleet } from '../support/fleet.js';
import { freePort } from '../support/fleet_config.js';
import { makeImageTree } from '../support/image_tree.js';
import { launchBrowser, picture, visit } from './support/browser.js';

const token = randomBytes(24).toString('hex');
const mebibyte = 1024 * 1024;

let directory: string;
let origin: string;
let fleet: Fleet;
let browser: Browser;

beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'icbdrep-page-'));
  const token_file = path.join(directory, 'token');
  await writeFile(token_file, token, { mode: 0o600 });
  const port = await freePort();
  origin = `http://127.0.0.1:${port}`;
  const control = `listen = "127.0.0.1:${port}"\ntoken_file = "${token_file}"`;
  [browser, fleet] = await Promise.all([launchBrowser(), Fleet.start({ replicas: 2, master: { control } })]);
  const source = await fleet.addImage('vm1');
  await makeImageTree(source, 1, 16 * mebibyte);
  await fleet.master.client.snapshots.create('vm1');
});

afterAll(async () => {
  await browser?.close();
  await fleet?.dispose();
  if (directory !== undefined) await rm(directory, { recursive: true, force: true });
});

/** What the page is allowed to complain of: nobody had logged in yet, and later nobody answered. */
const expected =
  /status of 401|ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE/;

const cellOf = (page: Page, replica: string, state: string): Locator =>
  page.locator(`[data-copy="${replica}/vm1"].cell-${state}`);

async function logIn(page: Page): Promise<void> {
  await page.goto('/');
  await page.getByLabel('Token').fill('wrong');
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('alert').waitFor();
  await page.getByLabel('Token').fill(token);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('heading', { name: 'Fleet' }).waitFor();
  await page.getByText('live', { exact: true }).waitFor();
}

/** Starts one by the dialog, and looks at its page until it is done. */
async function startAndWatch(page: Page): Promise<void> {
  await cellOf(page, 'r1', 'empty').waitFor();
  await page.getByRole('button', { name: 'Start a transfer' }).click();
  const dialog = page.getByRole('dialog', { name: 'Start a transfer' });
  await dialog.getByLabel('r1').check();
  await dialog.getByRole('button', { name: 'Send' }).click();
  await page.waitForURL(/\/transfers\/\d+-/);
  await page.locator('main .badge', { hasText: 'completed' }).first().waitFor({ timeout: 60_000 });
  await page.getByRole('link', { name: 'Fleet', exact: true }).click();
  await cellOf(page, 'r1', 'in_sync').waitFor();
}

/** Another snapshot stands on the replica under the number of the newest: sending it fails, and not for ever. */
async function breakAndMend(page: Page): Promise<void> {
  const strange = fleet.replica(0).snapshotPath('vm1', '2');
  await execa('btrfs', ['subvolume', 'create', strange]);
  await fleet.master.client.snapshots.create('vm1');
  // Nobody touches the page: it hears of the new snapshot by itself.
  await cellOf(page, 'r1', 'behind').click();
  await page.getByRole('button', { name: 'Send newest (2)' }).click();
  await cellOf(page, 'r1', 'failed').click({ timeout: 60_000 });
  const card = page.getByRole('dialog', { name: 'vm1 on r1' });
  await card.getByText('SnapshotAlreadyExists').waitFor();
  await picture(page, 'story-failed');
  await execa('btrfs', ['subvolume', 'delete', strange]);
  await card.getByRole('button', { name: 'Run again' }).click();
  await cellOf(page, 'r1', 'in_sync').waitFor({ timeout: 60_000 });
}

/** What happens while the page hears nothing is there when it hears again. */
async function restartMaster(page: Page): Promise<void> {
  await fleet.master.kill();
  await page.getByText(/^(reconnecting|offline)/).waitFor();
  await fleet.master.start();
  await fleet.untilOnline();
  await fleet.master.client.snapshots.create('vm1');
  const sent = await fleet.master.client.transfers.send({
    image: 'vm1',
    numbers: ['1', '2', '3'],
    to: ['all'],
  });
  await fleet.master.client.transfers.wait(sent.map(({ id }) => id));
  await page.getByText('live', { exact: true }).waitFor();
  for (const replica of ['r1', 'r2']) {
    await cellOf(page, replica, 'in_sync').filter({ hasText: '3' }).waitFor({ timeout: 30_000 });
  }
  await page.getByRole('link', { name: 'Transfers' }).click();
  await page.getByText(`${2 + sent.length} transfers`).waitFor();
  await picture(page, 'story-transfers');
}

test('a transfer is started, watched, broken and run again by clicking; the page survives its master', async () => {
  const { page, context, faults } = await visit(browser, origin, { expected });
  try {
    await logIn(page);
    await startAndWatch(page);
    await breakAndMend(page);
    await restartMaster(page);
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByLabel('Token').waitFor();
    expect(faults).toEqual([]);
  } finally {
    await context.close();
  }
});
