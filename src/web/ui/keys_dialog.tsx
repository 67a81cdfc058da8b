import { Dialog } from './dialog.js';

const keys: readonly (readonly [keys: readonly string[], what: string])[] = [
  [['1', '2', '3'], 'fleet, transfers, replicas'],
  [['/'], 'to the filter'],
  [['s'], 'start a transfer'],
  [['j', 'k'], 'down and up, as the arrow keys do'],
  [['h', 'l'], 'left and right in the fleet'],
  [['Enter'], 'open'],
  [['x'], 'select a transfer that can be run again'],
  [['u'], 'load the list of transfers anew'],
  [['Esc'], 'close, or leave the filter'],
  [['?'], 'this list'],
];

export function KeysDialog({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="Keys" onClose={onClose}>
      <dl class="keys">
        {keys.map(([names, what]) => (
          <div key={what}>
            <dt>
              {names.map((name) => (
                <kbd key={name}>{name}</kbd>
              ))}
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
