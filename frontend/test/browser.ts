/** A browser for all test files together, with what Grafana's components expect of one and jsdom does not have. */

import { builtinEnvironments } from 'vitest/environments';

/** For how long an element may be on its way, on a machine that does something else as well. */
const PATIENCE_MS = 10_000;

class Unobserved {
  observe(): void {}
  unobserve(): void {}
  disconnect(): void {}
}

if (!('document' in globalThis)) {
  await builtinEnvironments.jsdom.setup(globalThis, {});
  prepare();
}
// It looks for a document as it is loaded.
const { configure } = await import('@testing-library/dom');
configure({ asyncUtilTimeout: PATIENCE_MS });

function prepare(): void {
  Object.assign(globalThis, {
    matchMedia: (media: string) => ({
      media,
      matches: false,
      addEventListener: () => {},
      removeEventListener: () => {},
      addListener: () => {},
      removeListener: () => {},
    }),
    ResizeObserver: Unobserved,
    IntersectionObserver: Unobserved,
  });

  // Lists draw only what is visible, so that every element has to have a size.
  Element.prototype.getBoundingClientRect = () => new DOMRect(0, 0, 120, 120);
  for (const size of ['offsetWidth', 'offsetHeight']) {
    Object.defineProperty(HTMLElement.prototype, size, { get: () => 120 });
  }

  // Nothing is drawn, so that a text has any width.
  const context = { measureText: (text: string) => ({ width: 8 * text.length }) };
  HTMLCanvasElement.prototype.getContext = (() => context) as unknown as HTMLCanvasElement['getContext'];
}
