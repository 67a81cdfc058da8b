import { useId } from 'preact/hooks';

interface Props {
  readonly label: string;
  readonly value: string;
  readonly names: readonly string[];
  readonly onChange: (value: string) => void;
}

/** Picks one name of many; the browser completes it. It counts when it is one of them, or empty. */
export function NameField({ label, value, names, onChange }: Props) {
  const id = useId();
  return (
    <label class="name-field">
      <span class="visually-hidden">{label}</span>
      <input
        class="input"
        type="search"
        list={id}
        placeholder={`any ${label.toLowerCase()}`}
        spellcheck={false}
        value={value}
        onInput={(event) => {
          const typed = event.currentTarget.value;
          if (typed === '' || names.includes(typed)) onChange(typed);
        }}
        onChange={(event) => onChange(event.currentTarget.value.trim())}
      />
      <datalist id={id}>
        {names.map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
    </label>
  );
}
