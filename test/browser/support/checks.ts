/** What must hold of every view. */
import type { Page } from 'playwright-core';

/** How many pixels the page is wider than its window. */
export function overflowOf(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}

/** What a screen reader or a keyboard would stumble over. */
export function troublesOf(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const troubles: string[] = [];
    // Functions of the page stand in the page: only what is in here goes there.
    // oxlint-disable-next-line unicorn/consistent-function-scoping
    const textOf = (element: Element): string => (element.textContent ?? '').trim();
    const named = (element: Element): boolean => {
      const by_id = element.getAttribute('aria-labelledby');
      const labelled = by_id === null ? null : document.getElementById(by_id);
      const label = element.closest('label') ?? document.querySelector(`label[for="${element.id}"]`);
      const texts = [
        element.getAttribute('aria-label') ?? '',
        labelled === null ? '' : textOf(labelled),
        element.matches('input, select, textarea') ? (label === null ? '' : textOf(label)) : textOf(element),
        element.getAttribute('title') ?? '',
      ];
      return texts.some((text) => text.trim() !== '');
    };
    for (const element of document.querySelectorAll(
      'a, button, input, select, textarea, [role=button], [role=grid], [role=progressbar], dialog, table, nav',
    )) {
      if (!named(element)) troubles.push(`no name: ${element.outerHTML.slice(0, 120)}`);
    }
    for (const link of document.querySelectorAll('a')) {
      if (!link.hasAttribute('href')) troubles.push(`a link that leads nowhere: ${textOf(link)}`);
    }
    const ids = [...document.querySelectorAll('[id]')].map(({ id }) => id);
    for (const id of new Set(ids.filter((one, index) => ids.indexOf(one) !== index))) {
      troubles.push(`id twice: ${id}`);
    }
    if (document.querySelectorAll('h1').length !== 1) troubles.push('not one h1');
    if (document.querySelectorAll('main').length !== 1) troubles.push('not one main');
    if (document.documentElement.lang === '') troubles.push('no language');
    for (const box of document.querySelectorAll('[role=row]')) {
      if (box.closest('[role=grid], [role=table], table') === null) troubles.push('a row of no grid');
    }
    return troubles;
  });
}

/**
 * Milliseconds for which the page keeps a processor busy, from before `act` until it has painted what `isDone` waits for.
 * How long that takes by the clock depends on who else wants the processor.
 */
export async function busyTime(
  page: Page,
  act: () => Promise<void>,
  isDone: () => Promise<unknown>,
): Promise<number> {
  const session = await page.context().newCDPSession(page);
  const read = async (): Promise<number> => {
    const { metrics } = await session.send('Performance.getMetrics');
    return (metrics.find(({ name }) => name === 'TaskDuration')?.value ?? Number.NaN) * 1_000;
  };
  try {
    await session.send('Performance.enable', { timeDomain: 'threadTicks' });
    const before_ms = await read();
    await act();
    await isDone();
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve))));
    return (await read()) - before_ms;
  } finally {
    await session.detach();
  }
}

/** So many in a hundred are no larger. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))] ?? Number.NaN;
}
