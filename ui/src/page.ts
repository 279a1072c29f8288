import { mount } from 'svelte';
import './base.css';
import App from './App.svelte';
import { graphAhead } from './api';
import { readTree, treeQuestion } from './router';
import { app } from './state/app.svelte';
import { live } from './state/live.svelte';

if (app.route.page === 'thing' && app.route.tab === 'tree') graphAhead(treeQuestion(app.route.thing, readTree(app.query)));
await app.begin();
const target = document.getElementById('app');
if (target) {
  target.replaceChildren();
  mount(App, { target });
  live.begin();
}
