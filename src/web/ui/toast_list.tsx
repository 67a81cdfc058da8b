import { Button } from './button.js';
import { Icon } from './shapes.js';
import { dropToast, toasts } from './toasts.js';

export function ToastList() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.value.map(({ id, tone, text, href }) => (
        <div key={id} class={`toast tone-${tone}`}>
          <Icon name={tone === 'good' ? 'check' : 'cross'} />
          {href === '' ? <span>{text}</span> : <a href={href}>{text}</a>}
          <Button kind="quiet" icon="close" label="Dismiss" is_small onClick={() => dropToast(id)} />
        </div>
      ))}
    </div>
  );
}
