import type { ComponentChildren } from 'preact';
import type { ErrorReport } from '../../core/errors.js';
import { Button } from './button.js';
import { Icon } from './shapes.js';

interface ErrorProps {
  /** An IcbdError is one too. */
  readonly error: Pick<ErrorReport, 'code' | 'message' | 'hint'>;
  /** What was to be done, for the first line: `The fleet could not be loaded`. */
  readonly title?: string;
  readonly onRetry?: () => void;
}

/** An error with what can be done about it. */
export function ErrorBox({ error: { code, message, hint }, title, onRetry }: ErrorProps) {
  return (
    <div class="error-box" role="alert">
      <Icon name="cross" class="error-sign" />
      <div class="error-words">
        {title === undefined ? null : <strong>{title}</strong>}
        <p class="error-message">
          {message} <code class="error-code">{code}</code>
        </p>
        {hint === '' ? null : <p class="error-hint">{hint}</p>}
      </div>
      {onRetry === undefined ? null : (
        <Button is_small onClick={onRetry}>
          Try again
        </Button>
      )}
    </div>
  );
}

/** What stands where there is nothing to show, and how something comes there. */
export function EmptyState({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      {children === undefined ? null : <div class="empty-more">{children}</div>}
    </div>
  );
}

/** Holds the place of what is being loaded, in its size, so that nothing jumps. */
export function Loading({ what, rows = 6 }: { what: string; rows?: number }) {
  return (
    <div class="loading" role="status">
      <span class="visually-hidden">Loading {what}</span>
      {Array.from({ length: rows }, (_, index) => (
        <div key={index} class="loading-row" />
      ))}
    </div>
  );
}
