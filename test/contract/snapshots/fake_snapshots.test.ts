import { FakeSnapshots } from '../../fakes/fake_snapshots.js';
import { identityOf } from '../../../src/core/lineage.js';
import { describeSnapshotStore } from './snapshot_store_contract.js';

describeSnapshotStore('in memory', async () => {
  const store = new FakeSnapshots({ mountpoint: '/mnt/fake' });
  store.makeDirectory('/elsewhere');
  return {
    store,
    root: '/mnt/fake',
    elsewhere: '/elsewhere',
    makeDirectory: async (path) => store.makeDirectory(path),
    makeFile: async (path) => store.makeFile(path),
    receive: async (source, path, complete) => {
      store.receive(path, { identity: identityOf(await store.inspect(source)), complete });
    },
    dispose: async () => {},
  };
});
