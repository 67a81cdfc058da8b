/** What happens on the master, as it happens: one stream of server-sent events for the whole page. */
import { signal } from '@preact/signals';
import type { FeedData, FeedGap, FeedHello } from '../core/feed.js';
import type { ActorAddress, EventRecord } from '../core/records.js';
import { apiPath, is_locked, readFailure } from './api.js';
import { readClock } from './clock.js';
import { type SseMessage, SseParser } from './sse_parser.js';
import { showToast } from './ui/toasts.js';

/** What comes, by the name under which it comes. */
export type LiveMessages = Pick<FeedData, 'transfers' | 'replicas' | 'images' | 'progress' | 'event'>;

export interface LinkState {
  /** `asleep`: the page is hidden, and lets go of its connection: a browser has but six for one host. */
  readonly kind: 'connecting' | 'live' | 'reconnecting' | 'asleep';
  /** Unix ms. */
  readonly since_ms: number;
}

export const link = signal<LinkState>({ kind: 'connecting', since_ms: readClock() });
/** Who answers; null before the first answer. */
export const master = signal<FeedHello | null>(null);
/** Grows when what was loaded may be old: the stream was interrupted, or events were missed. */
export const reloads = signal(0);

/** The server says something every 15 s, if only a comment. */
const silence_ms_max = 40_000;
const retry_ms = [250, 500, 1_000, 2_000, 4_000, 5_000];
const hidden_ms_max = 60_000;

type Handlers = { [Name in keyof LiveMessages]: Set<(message: LiveMessages[Name]) => void> };
const handlers: Handlers = {
  transfers: new Set(),
  replicas: new Set(),
  images: new Set(),
  progress: new Set(),
  event: new Set(),
};

/** Calls `handler` with each message of that name. @returns what ends it */
export function onLive<Name extends keyof LiveMessages>(
  name: Name,
  handler: (message: LiveMessages[Name]) => void,
): () => void {
  handlers[name].add(handler);
  return () => {
    handlers[name].delete(handler);
  };
}

/** Calls `handler` with each event of one actor. @returns what ends it */
export function onEventsOf({ kind, id }: ActorAddress, handler: (event: EventRecord) => void): () => void {
  return onLive('event', (event) => {
    if (event.kind === kind && event.id === id) handler(event);
  });
}

function emit<Name extends keyof LiveMessages>(name: Name, message: LiveMessages[Name]): void {
  for (const handler of handlers[name]) handler(message);
}

let last_event_id = 0;
let greetings = 0;
let tell_first_contact: () => void = () => undefined;
/** Whether something may have been loaded before the stream was there to tell of its changes. */
let was_late = false;
const first_contact_ms_max = 400;

/**
 * What is loaded is loaded after this: then the stream tells of all that changes in it. It waits for the first
 * answer of the stream, but never long.
 */
export const first_contact = new Promise<void>((resolve) => {
  tell_first_contact = resolve;
});

function greet(hello: FeedHello): void {
  const before = master.peek();
  greetings += 1;
  master.value = hello;
  // A database that is younger than what we have seen is another one.
  last_event_id = last_event_id === 0 ? hello.last_event_id : Math.min(last_event_id, hello.last_event_id);
  link.value = { kind: 'live', since_ms: readClock() };
  if (before !== null || was_late) reloads.value += 1;
  tell_first_contact();
  if (before !== null && before.epoch !== hello.epoch) {
    showToast('good', 'The master was restarted; all here is up to date again.');
  }
}

function take({ event, data, id }: SseMessage): void {
  if (id !== '') last_event_id = Number(id);
  if (event === 'hello') greet(JSON.parse(data) as FeedHello);
  if (event === 'gap') {
    last_event_id = (JSON.parse(data) as FeedGap).to;
    reloads.value += 1;
  }
  if (Object.hasOwn(handlers, event)) {
    const name = event as keyof LiveMessages;
    emit(name, JSON.parse(data) as LiveMessages[typeof name]);
  }
}

/** Reads the stream until it ends. @throws whatever ended it */
async function readStream(stop: AbortController): Promise<void> {
  let silence = setTimeout(() => stop.abort(), silence_ms_max);
  try {
    const query = last_event_id === 0 ? {} : { after: last_event_id };
    const response = await fetch(apiPath('events', query), {
      credentials: 'same-origin',
      cache: 'no-store',
      headers: { accept: 'text/event-stream' },
      signal: stop.signal,
    });
    if (!response.ok || response.body === null) throw await readFailure(response, 'events');
    const parser = new SseParser();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      clearTimeout(silence);
      silence = setTimeout(() => stop.abort(), silence_ms_max);
      for (const message of parser.push(value)) take(message);
    }
  } finally {
    clearTimeout(silence);
  }
}

/** Resolves after a while, or as soon as there is reason to try at once. */
function untilRetry(delay_ms: number, is_stopped: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = new AbortController();
    const go = (): void => {
      clearTimeout(timer);
      done.abort();
      resolve();
    };
    const timer = setTimeout(go, delay_ms);
    addEventListener('online', go, { signal: done.signal });
    document.addEventListener('visibilitychange', go, { signal: done.signal });
    is_stopped.addEventListener('abort', go, { signal: done.signal });
  });
}

/** Resolves when the page is seen and has somebody's token. */
function untilWanted(is_stopped: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const isWanted = (): boolean => is_stopped.aborted || (!document.hidden && !is_locked.peek());
    if (isWanted()) {
      resolve();
      return;
    }
    const done = new AbortController();
    const look = (): void => {
      if (!isWanted()) return;
      done.abort();
      forget();
      resolve();
    };
    const forget = is_locked.subscribe(look);
    document.addEventListener('visibilitychange', look, { signal: done.signal });
    is_stopped.addEventListener('abort', look, { signal: done.signal });
  });
}

/** Lets go of the stream when the page has been hidden for a while. @returns what stops that */
function watchVisibility(stop: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const done = new AbortController();
  document.addEventListener(
    'visibilitychange',
    () => {
      clearTimeout(timer);
      if (document.hidden) timer = setTimeout(stop, hidden_ms_max);
    },
    { signal: done.signal },
  );
  return () => {
    clearTimeout(timer);
    done.abort();
  };
}

async function run(is_stopped: AbortSignal): Promise<void> {
  let failures = 0;
  while (!is_stopped.aborted) {
    await untilWanted(is_stopped);
    const stop = new AbortController();
    const end = (): void => stop.abort();
    is_stopped.addEventListener('abort', end, { once: true });
    const unwatch = watchVisibility(end);
    const greetings_before = greetings;
    await readStream(stop).catch(() => undefined);
    tell_first_contact();
    unwatch();
    is_stopped.removeEventListener('abort', end);
    failures = greetings > greetings_before ? 0 : failures + 1;
    const kind = document.hidden ? 'asleep' : 'reconnecting';
    if (link.peek().kind !== kind) link.value = { kind, since_ms: readClock() };
    await untilRetry(retry_ms[Math.min(failures, retry_ms.length - 1)] ?? 0, is_stopped);
  }
}

/** Opens the stream, and opens it again whenever it ends. @returns what stops that */
export function startLive(): () => void {
  const stop = new AbortController();
  setTimeout(() => {
    was_late = greetings === 0;
    tell_first_contact();
  }, first_contact_ms_max);
  void run(stop.signal);
  return () => stop.abort();
}
