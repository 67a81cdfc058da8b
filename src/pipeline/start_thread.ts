import { Worker, type WorkerOptions } from 'node:worker_threads';

/** Starts the module at `url` (which ends with `.js`) in a thread. */
export function startThread(url: URL, options: WorkerOptions): Worker {
  if (!import.meta.url.endsWith('.ts')) return new Worker(url, options);
  // Tests run the sources, and a thread reads those only if it asks tsx itself.
  const source = JSON.stringify(url.href.replace(/\.js$/, '.ts'));
  const loader = JSON.stringify('tsx/esm/api');
  const code = `import(${loader}).then(({ register }) => { register(); return import(${source}); })`;
  return new Worker(code, { ...options, eval: true });
}
