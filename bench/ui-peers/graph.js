// The graph that all renderers are given: the positions of Keizu's own answer, and the colours of its cards.
const COLOURS = ['#0070cc', '#523b00', '#c04a08', '#656b80', '#7e1c86', '#523b00', '#656b80', '#656b80', '#1f2228', '#005d41'];
export const RUN = 8;
export const CARD = { w: 164, h: 46 };
export const CIRCLE = 34;

/** Asks for the answer that was put aside, and for the size of the view. */
export async function graph() {
  const query = new URLSearchParams(location.search);
  const view = document.getElementById('view');
  view.style.width = `${query.get('w')}px`;
  view.style.height = `${query.get('h')}px`;
  const answer = await (await fetch(query.get('graph'))).json();
  const { nodes, edges, layers } = answer;
  const runs = nodes.kind.map((k) => k === RUN);
  // A card begins at its layer's x and a run is centred there; y is the middle of both.
  const left = nodes.layer.map((l, i) => layers[l].x - (runs[i] ? CIRCLE / 2 : 0));
  const top = nodes.y.map((y, i) => y - (runs[i] ? CIRCLE : CARD.h) / 2);
  const middle = (v, of) => (v.reduce((a, b) => Math.min(a, b)) + v.reduce((a, b) => Math.max(a, b)) + of) / 2;
  return { middle: { x: middle(left, CARD.w), y: middle(top, CARD.h) }, view, n: nodes.id.length, m: edges.from.length, nodes, edges, runs, left, top, colour: (i) => COLOURS[nodes.kind[i]] };
}

/** The viewport that shows the middle of things at the size at which Keizu's cards are read. */
export function near(g) {
  const zoom = 0.8;
  return { zoom, x: g.view.clientWidth / 2 - g.middle.x * zoom, y: g.view.clientHeight / 2 - g.middle.y * zoom };
}

/** The picture is there; the bench looks at the frame after the next. */
export function drawn() {
  performance.mark('tree-drawn');
  performance.mark('tree-whole');
}
