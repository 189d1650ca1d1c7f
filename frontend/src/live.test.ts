import { expect, it } from 'vitest';

import { absoluteRange, rangeOfLength } from '../test/grafana';
import { endsNow, intervalOf, pathOf, rangeOf } from './live';

it('a channel is named by interval, range and the digest of the query', () => {
  // printf %s '{"refId":"A","expr":"up"}' | sha256sum
  const digest = '6729a45a9dba1ab49d61517f1e979e7d4b7d9b84e140ca96e3135b5f270cf307';
  expect(pathOf(5_000, 3_600_000, '{"refId":"A","expr":"up"}')).toBe(`live/5000/3600000/${digest}`);
});

it('a channel is as short as Grafana wants it, and of its characters', () => {
  const uid = 'u'.repeat(40);
  const channel = `ds/${uid}/${pathOf(3_600_000, 365 * 86_400_000, 'ä'.repeat(10_000))}`;
  expect(channel.length).toBeLessThanOrEqual(160);
  expect(channel).toMatch(/^[A-Za-z0-9_\-/=.]+$/);
});

it('an interval that is no time is the default, and a short one the shortest', () => {
  const intervals = [undefined, Number.NaN, 10, 2_500.4].map((liveIntervalMs) =>
    intervalOf({ refId: 'A', ...(liveIntervalMs !== undefined && { liveIntervalMs }) }),
  );
  expect(intervals).toEqual([5_000, 5_000, 1_000, 2_500]);
});

it("a range's length does not depend on how long reading the clock took", () => {
  const lengths = [3_600_001, 3_599_999, 300_001, 90_000, 0].map((length) => rangeOf(rangeOfLength(length)));
  expect(lengths).toEqual([3_600_000, 3_600_000, 300_000, 90_000, 1_000]);
});

it('a range that grows is rounded up, so that its channel lasts longer than until the next refresh', () => {
  const today = { from: 'now/d', to: 'now' };
  const minutes = [0.1, 5, 5.1, 59.5, 119.9, 601, 610, 24 * 60, 7 * 24 * 60, 89.5 * 24 * 60];
  const lengths = minutes.map((length) => rangeOf(rangeOfLength(length * 60_000, today)) / 60_000);
  expect(lengths).toEqual([1, 5, 6, 60, 120, 610, 610, 24 * 60, 7 * 24 * 60, 90 * 24 * 60]);
});

it('a range is rounded up by no more than a minute, or a sixtieth of it', () => {
  const today = { from: 'now/d', to: 'now' };
  for (let length = 61_000; length < 400 * 86_400_000; length = Math.round(length * 1.07)) {
    const whole = Math.round(length / 1_000) * 1_000;
    const added = rangeOf(rangeOfLength(length, today)) - whole;
    expect(added).toBeGreaterThanOrEqual(0);
    expect(added).toBeLessThan(Math.max(60_000, whole / 60));
  }
});

it('only what ends now has news', () => {
  const ends = ['now', 'now/d', 'now+1h', 'now-1h', 'now-1d/d', '2023-11-14T22:13:20Z'];
  const answers = ends.map((to) => endsNow(rangeOfLength(3_600_000, { from: 'now-2d', to })));
  expect(answers).toEqual([true, true, true, false, false, false]);
  expect(endsNow(absoluteRange())).toBe(false);
});
