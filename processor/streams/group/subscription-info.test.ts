import { expect, test } from '@jest/globals';
import {
  decodeAssignmentInfo,
  decodeSubscriptionInfo,
  encodeAssignmentInfo,
  encodeSubscriptionInfo,
} from './subscription-info.ts';

const json = (value: unknown): Buffer => Buffer.concat([Buffer.from([1]), Buffer.from(JSON.stringify(value))]);

test('what a member says of itself, and is told, arrives as it was', () => {
  const info = { processId: 'p', active: ['0_1'], standby: ['1_0'], stores: ['1_0', '1_12'] };
  expect(decodeSubscriptionInfo(encodeSubscriptionInfo(info))).toEqual(info);
  expect(decodeAssignmentInfo(encodeAssignmentInfo({ standby: ['1_0'] }))).toEqual({ standby: ['1_0'] });
});

test('of what somebody else has written nothing is taken that is no task', () => {
  for (const bytes of [
    null,
    Buffer.alloc(0),
    Buffer.from([9, 1]),
    Buffer.from([1, 0x7b]),
    json(null),
    json([]),
    json({ processId: 7, active: [], standby: [], stores: [] }),
  ]) {
    expect(decodeSubscriptionInfo(bytes)).toBeUndefined();
    expect(decodeAssignmentInfo(bytes)).toEqual({ standby: [] });
  }
  const garbage = [null, 5, {}, '0_1', '__proto__', '0_', '1_2_3', '99999999999_0'];
  expect(decodeSubscriptionInfo(json({ processId: 'p', active: garbage, standby: garbage, stores: garbage }))).toEqual({
    processId: 'p',
    active: ['0_1'],
    standby: ['0_1'],
    stores: ['0_1'],
  });
  expect(decodeAssignmentInfo(json({ standby: garbage }))).toEqual({ standby: ['0_1'] });
});
