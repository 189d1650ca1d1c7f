/** What an editor waits for. */

import { useEffect, useState } from 'react';

import { sentenceOf } from '../host';

/** Something on its way, there, or not to be had. */
export type Loaded<T> = { state: 'loading' } | { state: 'ready'; value: T } | { state: 'failed'; sentence: string };

/** Loads something, and again whenever `key` changes. An answer that comes too late is not shown. */
export function useLoaded<T>(key: string, load: () => Promise<T>): Loaded<T> {
  const [answer, setAnswer] = useState<{ key: string; loaded: Loaded<T> }>();
  useEffect(() => {
    let isWanted = true;
    const show = (loaded: Loaded<T>): void => {
      if (isWanted) {
        setAnswer({ key, loaded });
      }
    };
    load().then(
      (value) => { show({ state: 'ready', value }); },
      (error: unknown) => { show({ state: 'failed', sentence: sentenceOf(error) }); },
    );
    return () => {
      isWanted = false;
    };
    // `load` is another function at every rendering; what it loads depends on the key alone.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [key]);
  return answer?.key === key ? answer.loaded : { state: 'loading' };
}
