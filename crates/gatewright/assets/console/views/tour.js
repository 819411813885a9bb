// To be written: for now the page of before stands below, in index.html.

export function Tour() {
  return null;
}
