import { expect, test } from 'vitest';
import { authorizedOnGroupRequest, authorizedOnTopicsRequest } from './authorized-operations.ts';
import { decodeAssignment, decodeSubscription, encodeAssignment, encodeSubscription } from './consumer-protocol.ts';
import { heartbeatRequest, joinGroupRequest, leaveGroupRequest, syncGroupRequest } from './group-members.ts';
import type { KafkaRequest } from './request.ts';
import { addOffsetsToTxnRequest, addPartitionsToTxnRequest, endTxnRequest } from './transactions.ts';
import { txnOffsetCommitRequest } from './txn-offset-commit.ts';
import { WireReader } from './wire-reader.ts';
import { WireWriter } from './wire-writer.ts';

// Bytes by the protocol guide, spaces between the fields.

const hex = (text: string) => Buffer.from(text.replaceAll(/\s/g, ''), 'hex');
const OWNER = { transactionalId: 't', producerId: 258n, producerEpoch: 3 };
const MEMBER = { generation: 5, memberId: 'm' };
const JOIN = {
  group: 'g',
  memberId: 'm',
  sessionMs: 6000,
  rebalanceMs: 60_000,
  protocolType: 'consumer',
  protocol: 'p',
  metadata: hex('aabb'),
};

const CASES: readonly (readonly [string, KafkaRequest<unknown>, request: string, answer: string, unknown])[] = [
  [
    'JoinGroup',
    joinGroupRequest(JOIN),
    '000167 00001770 0000ea60 00016d ffff 0008636f6e73756d6572 00000001 000170 00000002aabb',
    '00000007 0000 00000005 000170 00016d 00016d 00000001 00016d ffff 00000002aabb',
    {
      throttleMs: 7,
      error: 0,
      generation: 5,
      leader: 'm',
      memberId: 'm',
      members: [{ memberId: 'm', metadata: hex('aabb') }],
    },
  ],
  [
    'DescribeGroups',
    authorizedOnGroupRequest('g'),
    '00000001 000167 01',
    '00000000 00000001 0000 000167 0004 44656164 0000 0000 00000001 00016d 000163 000168 00000001aa ffffffff 00000148',
    { throttleMs: 0, groups: [{ name: 'g', error: 0, operations: 0x148 }] },
  ],
  [
    'Metadata',
    authorizedOnTopicsRequest(['t']),
    '00000001 000174 00 00 01',
    `00000000 00000001 00000001 000168 00002384 ffff 000163 00000001
     00000001 0000 000174 00 00000001 0000 00000000 00000001 00000005 00000001 00000001 00000001 00000001 00000000 00000510
     80000000`,
    { throttleMs: 0, topics: [{ name: 't', error: 0, operations: 0x510 }] },
  ],
  [
    'SyncGroup',
    syncGroupRequest('g', MEMBER, [{ memberId: 'm', assignment: hex('cc') }]),
    '000167 00000005 00016d ffff 00000001 00016d 00000001cc',
    '00000000 001b 00000001cc',
    { throttleMs: 0, error: 27, assignment: hex('cc') },
  ],
  [
    'Heartbeat',
    heartbeatRequest('g', MEMBER),
    '000167 00000005 00016d ffff',
    '00000000 0019',
    { throttleMs: 0, error: 25 },
  ],
  [
    'LeaveGroup',
    leaveGroupRequest('g', 'm'),
    '000167 00000001 00016d ffff',
    '00000000 0000 00000001 00016d ffff 0019',
    { throttleMs: 0, error: 25 },
  ],
  [
    'AddPartitionsToTxn',
    addPartitionsToTxnRequest(OWNER, [
      { topic: 'a', partition: 1 },
      { topic: 'a', partition: 2 },
    ]),
    '000174 0000000000000102 0003 00000001 000161 00000002 00000001 00000002',
    '00000000 00000001 000161 00000002 00000001 0000 00000002 0033',
    {
      throttleMs: 0,
      results: [
        { topic: 'a', partition: 1, error: 0 },
        { topic: 'a', partition: 2, error: 51 },
      ],
    },
  ],
  [
    'AddOffsetsToTxn',
    addOffsetsToTxnRequest(OWNER, 'g'),
    '000174 0000000000000102 0003 000167',
    '00000000 005a',
    { throttleMs: 0, error: 90 },
  ],
  [
    'EndTxn',
    endTxnRequest(OWNER, 'commit'),
    '000174 0000000000000102 0003 01',
    '00000000 002f',
    { throttleMs: 0, error: 47 },
  ],
  [
    'TxnOffsetCommit',
    txnOffsetCommitRequest(OWNER, 'g', [{ topic: 'a', partition: 1, offset: 9 }], MEMBER),
    '00 0274 0267 0000000000000102 0003 00000005 026d 00 02 0261 02 00000001 0000000000000009 ffffffff 00 00 00 00',
    '00 00000000 02 0261 02 00000001 0016 00 00 00',
    { throttleMs: 0, results: [{ topic: 'a', partition: 1, error: 22 }] },
  ],
];

test.each(CASES)('%s is written and read as the protocol guide says', (_, request, asked, answered, value) => {
  const out = new WireWriter(1);
  request.encode(out);
  expect(out.view().toString('hex')).toBe(asked.replaceAll(' ', ''));
  const answer = new WireReader(hex(answered));
  expect(request.decode(answer)).toEqual(value);
  expect(answer.left).toBe(0);
});

test.each(CASES)('an answer to %s that is cut short anywhere is refused', (_, request, _asked, answered) => {
  const whole = hex(answered);
  for (let length = 0; length < whole.length; length++) {
    expect(() => request.decode(new WireReader(whole.subarray(0, length)))).toThrow(
      expect.objectContaining({ code: 'LOG_PROTOCOL' }),
    );
  }
});

test('tags that a newer broker adds are passed over', () => {
  const request = txnOffsetCommitRequest(OWNER, 'g', []);
  expect(request.decode(new WireReader(hex('01 05 02 ffff 00000000 01 01 63 03 616263')))).toEqual({
    throttleMs: 0,
    results: [],
  });
});

test('what members wish for and get is written as consumers of Kafka do, and reads back', () => {
  const at = [
    { topic: 'a', partition: 0 },
    { topic: 'a', partition: 2 },
  ];
  const wish = { topics: ['a'], owned: at, generation: 4 };
  expect(encodeSubscription(wish).toString('hex')).toBe(
    '0002 00000001 000161 ffffffff 00000001 000161 00000002 00000000 00000002 00000004'.replaceAll(' ', ''),
  );
  expect(decodeSubscription(encodeSubscription(wish))).toEqual(wish);
  expect(encodeAssignment(at).toString('hex')).toBe(
    '0000 00000001 000161 00000002 00000000 00000002 ffffffff'.replaceAll(' ', ''),
  );
  expect(decodeAssignment(encodeAssignment(at))).toEqual(at);
  expect(decodeAssignment(Buffer.alloc(0))).toEqual([]);
});

test('a subscription of an older version, and one of a newer, is read', () => {
  const old = hex('0000 00000001 000161 ffffffff');
  expect(decodeSubscription(old)).toEqual({ topics: ['a'], owned: [], generation: -1 });
  const newer = hex('0003 00000001 000161 ffffffff 00000000 00000007 0004 7261636b');
  expect(decodeSubscription(newer)).toEqual({ topics: ['a'], owned: [], generation: 7 });
});
