import { expect, test } from 'vitest';
import { parseSubvolumeList, parseSubvolumeShow } from '../../../src/btrfs/subvolume_output.js';

const none = '-                                   ';
const uuid_a = '1795cfd6-ff56-3745-b5ef-92d955961233';
const uuid_b = '2435fccf-aaa6-1d48-8028-57505f48c8a9';

test('rows of the list as btrfs-progs 6.2 prints them', () => {
  const rows = parseSubvolumeList(
    [
      `ID 262 gen 10 cgen 9 top level 256 parent_uuid ${none} received_uuid ${uuid_a} uuid ${uuid_b} path vol/img/2 x`,
      `ID 258 gen 7 cgen 7 top level 256 otime 2026-11-23 02:28:12 parent_uuid ${uuid_b} received_uuid ${none} uuid ${uuid_a} path vol/img/1`,
      `ID 259 gen 7 cgen 7 parent 5 top level 5 otime - parent_uuid ${uuid_b} received_uuid ${none} uuid ${uuid_a} path 3`,
      '',
    ].join('\n'),
  );
  expect(rows).toEqual([
    {
      subvolume_id: 262,
      created_generation: 9,
      uuid: uuid_b,
      parent_uuid: '',
      received_uuid: uuid_a,
      created_at_ms: undefined,
      path: 'vol/img/2 x',
    },
    {
      subvolume_id: 258,
      created_generation: 7,
      uuid: uuid_a,
      parent_uuid: uuid_b,
      received_uuid: '',
      created_at_ms: Date.UTC(2026, 10, 23, 2, 28, 12),
      path: 'vol/img/1',
    },
    expect.objectContaining({ subvolume_id: 259, created_at_ms: undefined, path: '3' }),
  ]);
});

test('a line that cannot be read gives no row', () => {
  const lines = [
    'second line of a name',
    'ID x gen',
    `ID 1 gen 1 cgen 1 top level 5 path 1`,
    `uuid ${uuid_a}`,
  ];
  expect(parseSubvolumeList(lines.join('\n'))).toEqual([]);
});

const shown = `vol/img2/1
	Name: 			1
	UUID: 			${uuid_b}
	Parent UUID: 		-
	Received UUID: 		${uuid_a}
	Creation time: 		2026-11-23 02:28:12 +0000
	Subvolume ID: 		262
	Generation: 		10
	Gen at creation: 	9
	Parent ID: 		256
	Top level ID: 		256
	Flags: 			readonly
	Send transid: 		7
	Send time: 		2026-11-23 02:28:12 +0000
	Receive transid: 	10
	Receive time: 		2026-11-23 02:28:12 +0000
	Snapshot(s):
				UUID: 1
	Quota group:		n/a
`;

test('one subvolume as btrfs-progs 6.2 shows it', () => {
  expect(parseSubvolumeShow(shown, '1')).toEqual({
    number: '1',
    uuid: uuid_b,
    received_uuid: uuid_a,
    parent_uuid: '',
    created_generation: 9,
    created_at_ms: Date.UTC(2026, 10, 23, 2, 28, 12),
    read_only: true,
    subvolume_id: 262,
  });
  expect(parseSubvolumeShow(shown.replace('readonly', '-'), '1').read_only).toBe(false);
});

test('a field that is missing is an error with a hint', () => {
  expect(() => parseSubvolumeShow(shown.replace(/\tFlags.*\n/, ''), '1')).toThrow(
    expect.objectContaining({ code: 'BtrfsFailed', retryable: false, hint: expect.stringMatching(/report/) }),
  );
});
