import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

// Names without hashes: the server answers with an ETag of the content, and a change of one line renames nothing.
export default defineConfig({
  plugins: [svelte()],
  build: {
    outDir: process.env.KEIZU_ASSETS ?? '../crates/server/assets',
    emptyOutDir: true,
    modulePreload: false,
    cssCodeSplit: false,
    assetsInlineLimit: 0,
    target: 'es2022',
    rollupOptions: {
      output: {
        entryFileNames: 'app.js',
        chunkFileNames: (chunk) => (chunk.moduleIds.some((id) => id.endsWith('words/ja.ts')) ? 'words-ja.js' : '[name].js'),
        assetFileNames: 'app[extname]',
      },
    },
  },
  server: { proxy: { '/api': process.env.KEIZU_URL ?? 'http://127.0.0.1:4760' } },
  test: { include: ['test/**/*.test.ts'], environment: 'node' },
});
