import { useEffect, useRef, useState } from 'preact/hooks';
import { useKeys } from './keys.js';
import { Icon } from './shapes.js';

interface Props {
  readonly value: string;
  readonly label: string;
  /** Called a moment after the last key. */
  readonly onChange: (value: string) => void;
}

const settle_ms = 120;

/** A field to filter by; the key `/` leads to it, Escape empties it and leaves it. */
export function SearchField({ value, label, onChange }: Props) {
  const input = useRef<HTMLInputElement>(null);
  const [text, setText] = useState(value);
  useKeys({ '/': () => input.current?.focus() });
  useEffect(() => setText(value), [value]);
  useEffect(() => {
    if (text === value) return undefined;
    const timer = setTimeout(() => onChange(text), settle_ms);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <label class="search">
      <span class="visually-hidden">{label}</span>
      <Icon name="search" />
      <input
        ref={input}
        class="input"
        type="search"
        placeholder={label}
        aria-keyshortcuts="/"
        spellcheck={false}
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Escape') return;
          setText('');
          event.currentTarget.blur();
        }}
      />
    </label>
  );
}
