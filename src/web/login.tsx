import { useState } from 'preact/hooks';
import { IcbdError } from '../core/errors.js';
import { logIn } from './api.js';
import { ErrorBox } from './ui/boxes.js';
import { Button } from './ui/button.js';

/** Asks for the token; what is shown behind it is loaded when the master has taken it. */
export function Login() {
  const [error, setError] = useState<IcbdError | null>(null);
  const [is_busy, setBusy] = useState(false);
  const submit = async (form: HTMLFormElement): Promise<void> => {
    const token = new FormData(form).get('token');
    setBusy(true);
    setError(null);
    try {
      await logIn(typeof token === 'string' ? token.trim() : '');
    } catch (thrown) {
      setError(IcbdError.from(thrown, 'log in'));
      setBusy(false);
    }
  };
  return (
    <form
      class="login"
      onSubmit={(event) => {
        event.preventDefault();
        void submit(event.currentTarget);
      }}
    >
      <h1>Who is there?</h1>
      <p>
        This master wants to see its token. The token is in the file that <code>token_file</code> in the table{' '}
        <code>[control]</code> of its configuration names.
      </p>
      <label class="field">
        <span>Token</span>
        <input name="token" type="password" autocomplete="current-password" required autoFocus />
      </label>
      {error === null ? null : <ErrorBox error={error} title="That did not work" />}
      <Button kind="primary" type="submit" is_busy={is_busy}>
        Log in
      </Button>
    </form>
  );
}
