import type { ComponentChildren, Ref } from 'preact';
import { Icon, type IconName } from './shapes.js';

interface Props {
  readonly children?: ComponentChildren;
  readonly onClick?: (event: MouseEvent) => void;
  readonly kind?: 'plain' | 'primary' | 'danger' | 'quiet';
  readonly icon?: IconName;
  /** For one without words. */
  readonly label?: string;
  readonly title?: string;
  readonly type?: 'button' | 'submit';
  /** Why it cannot be used now: it stays where it can be reached, and says so. Empty: it can. */
  readonly refusal?: string;
  /** What it began is not over. */
  readonly is_busy?: boolean;
  readonly is_pressed?: boolean;
  readonly is_small?: boolean;
  readonly form?: string;
  readonly innerRef?: Ref<HTMLButtonElement>;
}

/** A button; one that is refused or busy can be focused and says why, and does nothing. */
export function Button(props: Props) {
  const { children, onClick, kind = 'plain', icon, label, title, refusal = '', is_busy = false } = props;
  const is_off = refusal !== '' || is_busy;
  const words = refusal === '' ? title : refusal;
  return (
    <button
      ref={props.innerRef ?? null}
      type={props.type ?? 'button'}
      class={`button button-${kind} ${props.is_small === true ? 'button-small' : ''}`}
      aria-disabled={is_off}
      aria-busy={is_busy}
      aria-label={label}
      aria-pressed={props.is_pressed}
      title={words ?? label}
      form={props.form}
      onClick={(event) => {
        if (is_off) event.preventDefault();
        else onClick?.(event);
      }}
    >
      {icon === undefined ? null : <Icon name={icon} />}
      {children === undefined ? null : <span>{children}</span>}
    </button>
  );
}
