/** Builds the page that the master serves: one HTML file, and what it needs under names that change with it. */
import { defineConfig } from 'vite';

export default defineConfig({
  root: new URL('src/web', import.meta.url).pathname,
  base: '/',
  publicDir: false,
  logLevel: 'warn',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: new URL('dist/web', import.meta.url).pathname,
    emptyOutDir: true,
    target: 'chrome123',
    // The page's rules of what may be loaded allow nothing that stands in another file's text.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
});
