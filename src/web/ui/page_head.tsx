import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

interface Props {
  readonly title: string;
  /** What the browser calls the page; default: the title. */
  readonly document_title?: string;
  readonly children?: ComponentChildren;
  /** Buttons at the right. */
  readonly actions?: ComponentChildren;
}

let is_first_page = true;

/** The head of a view: it names the document, and takes the focus so that screen readers say where they are. */
export function PageHead({ title, document_title = title, children, actions }: Props) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${document_title} · icbdrep`;
  }, [document_title]);
  useEffect(() => {
    if (!is_first_page) heading.current?.focus({ preventScroll: true });
    is_first_page = false;
  }, []);
  return (
    <header class="page-head">
      <div class="page-title">
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        {children === undefined ? null : <div class="page-sub">{children}</div>}
      </div>
      {actions === undefined ? null : <div class="page-actions">{actions}</div>}
    </header>
  );
}
