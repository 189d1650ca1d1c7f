/** Live queries: the channel of Grafana Live on which the host sends a query's answer again and again. */

import { LiveChannelScope, StreamingFrameAction, type DataQueryResponse, type TimeRange } from '@grafana/data';
import { getGrafanaLiveSrv } from '@grafana/runtime';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import { map, type Observable } from 'rxjs';

import type { GraftQuery } from './model';
import { withoutLive } from './query';

/** How often a live query is asked where nobody said. */
export const LIVE_INTERVAL_DEFAULT_MS = 5_000;

/** More often than once in a second would be load without use. */
export const LIVE_INTERVAL_MIN_MS = 1_000;

/** Rows that a panel keeps: what a wide screen has, several times over. */
const LIVE_ROWS_MAX = 10_000;

/** A range that grows is rounded up to no less than this. */
const STEP_MIN_MS = 60_000;

/** What a range that grows is rounded up to: 1, 5, 10 and 30 minutes, 1 and 6 hours, a day. */
const STEPS_MS = [1, 5, 10, 30, 60, 360, 1_440].map((minutes) => minutes * STEP_MIN_MS);

/** Such a range has at least so many steps, if it is not shorter than as many minutes. */
const STEPS_MIN = 60;

/** The stream of answers to a query whose variables are replaced. */
export function streamOf(uid: string, query: GraftQuery, range: TimeRange): Observable<DataQueryResponse> {
  const queryText = JSON.stringify(withoutLive(query));
  const path = pathOf(intervalOf(query), rangeOf(range), queryText);
  // Grafana up to 12.3 calls the data source's uid `namespace`, and later versions `stream`.
  const addr = { scope: LiveChannelScope.DataSource, namespace: uid, stream: uid, path, data: { query: queryText } };
  // The first message is a whole answer over the range, each later one only rows that are new; what is older than the range goes.
  const buffer = { action: StreamingFrameAction.Append, maxDelta: rangeOf(range), maxLength: LIVE_ROWS_MAX };
  const key = `live-${query.refId}`;
  const name = ({ refId: _refId, ...frame }: { refId?: string }): object => ({ ...frame, refId: query.refId });
  return getGrafanaLiveSrv()
    .getDataStream({ addr, buffer, key })
    .pipe(map((response) => ({ ...response, key, data: response.data.map(name) })));
}

/**
 * The path of a channel, which everybody who looks at the same query over the same range shares:
 * `live/<interval in ms>/<range in ms>/<SHA-256 of the query's text, in hexadecimal>`.
 */
export function pathOf(intervalMs: number, rangeMs: number, queryText: string): string {
  // The browser's own digest does not exist where Grafana is served by plain HTTP.
  const digest = bytesToHex(sha256(utf8ToBytes(queryText)));
  return `live/${intervalMs}/${rangeMs}/${digest}`;
}

/** A query's interval in milliseconds, also where what is stored is no time. */
export function intervalOf(query: GraftQuery): number {
  const stored = query.liveIntervalMs;
  if (typeof stored !== 'number' || !Number.isFinite(stored)) {
    return LIVE_INTERVAL_DEFAULT_MS;
  }
  return Math.max(LIVE_INTERVAL_MIN_MS, Math.round(stored));
}

/** Whether a range ends where the news are. Others, such as "yesterday" or two dates, are asked for once. */
export function endsNow(range: TimeRange): boolean {
  const end = range.raw.to;
  return typeof end === 'string' && end.startsWith('now') && !end.startsWith('now-');
}

/**
 * A range's length in milliseconds, as channels are named by it: exact, in whole seconds, where it stays what it is ("the
 * last hour"; both of its ends are not read from the clock at once); rounded up where it grows ("today so far"), because at
 * every refresh there would be another channel otherwise, and the answer asked for anew.
 */
export function rangeOf(range: TimeRange): number {
  const length = Math.max(1, Math.round((range.to.valueOf() - range.from.valueOf()) / 1_000)) * 1_000;
  if (isSliding(range)) {
    return length;
  }
  const step = Math.max(STEP_MIN_MS, ...STEPS_MS.filter((step) => step * STEPS_MIN <= length));
  return Math.ceil(length / step) * step;
}

/** Whether both ends move with the clock. Those that are rounded ("now/d") wait and leap. */
function isSliding(range: TimeRange): boolean {
  return [range.raw.from, range.raw.to].every((end) => typeof end === 'string' && /^now[^/]*$/.test(end));
}
