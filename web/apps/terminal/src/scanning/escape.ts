/** Raw scans travel as text in which control characters and the backslash are `\xNN`. */
export function escapeRaw(raw: string): string {
  return Array.from(raw, (character) => {
    const code = character.charCodeAt(0);
    return code < 0x20 || code === 0x7f || character === "\\"
      ? `\\x${code.toString(16).padStart(2, "0")}`
      : character;
  }).join("");
}
