import { useState } from 'preact/hooks';
import { is_locked } from './api.js';
import { FleetPage } from './fleet/fleet_page.js';
import { ImagePage } from './image/image_page.js';
import { Login } from './login.js';
import { ReplicaPage } from './replicas/replica_page.js';
import { ReplicasPage } from './replicas/replicas_page.js';
import { navigate, view } from './router.js';
import { fleet_path, replicas_path, transfers_path } from './routes.js';
import { TopBar } from './top_bar.js';
import { TransferPage } from './transfer/transfer_page.js';
import { TransfersPage } from './transfers/transfers_page.js';
import { EmptyState } from './ui/boxes.js';
import { useKeys } from './ui/keys.js';
import { KeysDialog } from './ui/keys_dialog.js';
import { ToastList } from './ui/toast_list.js';

function Main() {
  const shown = view.value;
  switch (shown.view) {
    case 'fleet':
      return <FleetPage />;
    case 'transfers':
      return <TransfersPage />;
    case 'transfer':
      return <TransferPage key={shown.id} id={shown.id} />;
    case 'replicas':
      return <ReplicasPage />;
    case 'replica':
      return <ReplicaPage key={shown.name} name={shown.name} />;
    case 'image':
      return <ImagePage key={shown.name} name={shown.name} />;
    case 'unknown':
      return (
        <EmptyState title="There is no such page">
          <a href="/">Back to the fleet</a>
        </EmptyState>
      );
  }
}

export function App() {
  const [has_keys, setHasKeys] = useState(false);
  useKeys({
    '?': () => setHasKeys(true),
    '1': () => navigate(fleet_path),
    '2': () => navigate(transfers_path),
    '3': () => navigate(replicas_path),
  });
  return (
    <>
      <a class="skip" href="#main">
        To the content
      </a>
      <TopBar />
      <main id="main" tabIndex={-1}>
        {is_locked.value ? <Login /> : <Main />}
      </main>
      <ToastList />
      {has_keys ? <KeysDialog onClose={() => setHasKeys(false)} /> : null}
    </>
  );
}
