// The graph in Cytoscape.js, with what its documentation advises for many elements: haystack edges, no arrows, one pixel a pixel, no small labels.
import cytoscape from 'cytoscape';
import { CARD, CIRCLE, drawn, graph, near } from './graph.js';

const g = await graph();
const elements = [];
for (let i = 0; i < g.n; i++) {
  const [w, h] = g.runs[i] ? [CIRCLE, CIRCLE] : [CARD.w, CARD.h];
  elements.push({
    group: 'nodes',
    pannable: true,
    data: { id: String(i), name: g.nodes.name[i], w, h, colour: g.colour(i), shape: g.runs[i] ? 'ellipse' : 'round-rectangle' },
    position: { x: g.left[i] + w / 2, y: g.top[i] + h / 2 },
  });
}
for (let e = 0; e < g.m; e++) elements.push({ group: 'edges', data: { id: `e${e}`, source: String(g.edges.from[e]), target: String(g.edges.to[e]) } });

const cy = cytoscape({
  container: g.view,
  elements,
  layout: { name: 'preset', fit: true, padding: 24 },
  style: [
    {
      selector: 'node',
      style: {
        width: 'data(w)',
        height: 'data(h)',
        shape: 'data(shape)',
        'background-color': '#ffffff',
        'border-width': 1.4,
        'border-color': 'data(colour)',
        label: 'data(name)',
        'font-size': 13,
        'text-valign': 'center',
        'min-zoomed-font-size': 7,
      },
    },
    { selector: 'edge', style: { 'curve-style': 'haystack', width: 1.5, 'line-color': '#83888f', 'target-arrow-shape': 'none' } },
  ],
  pixelRatio: 1,
  minZoom: 1e-4,
  maxZoom: 2.5,
  // As far for a turn of the wheel as the others.
  wheelSensitivity: 2.3,
  autoungrabify: true,
  autounselectify: true,
  boxSelectionEnabled: false,
});
let told = false;
cy.on('render', () => {
  if (told) return;
  told = true;
  drawn();
});
window.bench = {
  where: () => JSON.stringify([cy.zoom(), cy.pan()]),
  near() {
    const { zoom, x, y } = near(g);
    cy.viewport({ zoom, pan: { x, y } });
  },
};
