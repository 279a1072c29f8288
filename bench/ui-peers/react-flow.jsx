// The graph in React Flow, drawing only what is in view, with everything measured beforehand and nothing to be dragged, selected or focused.
import { Handle, Position, ReactFlow } from '@xyflow/react';
import '@xyflow/react/dist/style.css';
import { memo, useEffect } from 'react';
import { createRoot } from 'react-dom/client';
import { CARD, CIRCLE, drawn, graph, near } from './graph.js';

const g = await graph();
const side = (w, h) => [
  { id: null, type: 'target', position: Position.Left, x: 0, y: h / 2, width: 1, height: 1 },
  { id: null, type: 'source', position: Position.Right, x: w, y: h / 2, width: 1, height: 1 },
];
const nodes = Array.from({ length: g.n }, (_, i) => {
  const [width, height] = g.runs[i] ? [CIRCLE, CIRCLE] : [CARD.w, CARD.h];
  return {
    id: String(i),
    type: g.runs[i] ? 'run' : 'card',
    position: { x: g.left[i], y: g.top[i] },
    data: { name: g.nodes.name[i], colour: g.colour(i) },
    width,
    height,
    measured: { width, height },
    handles: side(width, height),
  };
});
const edges = Array.from({ length: g.m }, (_, e) => ({ id: `e${e}`, source: String(g.edges.from[e]), target: String(g.edges.to[e]) }));

const Card = memo(({ data }) => (
  <div className="card" style={{ borderColor: data.colour }}>
    <Handle type="target" position={Position.Left} />
    {data.name}
    <Handle type="source" position={Position.Right} />
  </div>
));
const Run = memo(({ data }) => (
  <div className="run" style={{ borderColor: data.colour }}>
    <Handle type="target" position={Position.Left} />
    <Handle type="source" position={Position.Right} />
  </div>
));
const nodeTypes = { card: Card, run: Run };

/** There is a picture when a card is in the page and everything was fitted. */
function wait() {
  const view = document.querySelector('.react-flow__viewport');
  if (document.querySelector('.react-flow__node') && !/scale\(1\)/.test(view.style.transform)) drawn();
  else requestAnimationFrame(wait);
}

function Flow() {
  useEffect(wait, []);
  return (
    <ReactFlow
      defaultNodes={nodes}
      defaultEdges={edges}
      nodeTypes={nodeTypes}
      onlyRenderVisibleElements
      fitView
      fitViewOptions={{ padding: 0.02, minZoom: 1e-4 }}
      minZoom={1e-4}
      maxZoom={2.5}
      nodesDraggable={false}
      nodesConnectable={false}
      nodesFocusable={false}
      edgesFocusable={false}
      elementsSelectable={false}
      zoomOnDoubleClick={false}
      onInit={(flow) => {
        window.bench = { where: () => JSON.stringify(flow.getViewport()), near: () => flow.setViewport(near(g)) };
      }}
    />
  );
}
createRoot(g.view).render(<Flow />);
