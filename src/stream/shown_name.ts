/** Names of a stream as text: they are bytes, and may be anything but NUL. */

/**
 * Characters that are not shown as they are: controls, what changes the direction of text, separators of lines and
 * paragraphs, unassigned and private ones, and the backslash, which is what the escapes start with.
 */
const unsafe = /[\p{C}\p{Zl}\p{Zp}\\]/gu;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function escapeBytes(bytes: Buffer): string {
  let text = '';
  for (const byte of bytes) text += `\\x${byte.toString(16).padStart(2, '0')}`;
  return text;
}

/** What is not ASCII is escaped too: without valid UTF-8 nobody knows what it means. */
function escapeLatin(bytes: Buffer): string {
  return bytes.toString('latin1').replaceAll(/[^\x20-\x5b\x5d-\x7e]/g, (character) => {
    return character === '\\' ? '\\\\' : escapeBytes(Buffer.from(character, 'latin1'));
  });
}

/**
 * A name as text in which nothing acts on a terminal, and from which the bytes can be told: a backslash is `\\`,
 * what cannot be shown is `\xNN` for each byte. A name that is not UTF-8 shows all but ASCII so.
 */
export function shownName(name: Buffer): string {
  let text: string;
  try {
    text = utf8.decode(name);
  } catch {
    return escapeLatin(name);
  }
  return text.replaceAll(unsafe, (character) =>
    character === '\\' ? '\\\\' : escapeBytes(Buffer.from(character)),
  );
}
