import { mount } from 'svelte';
import './base.css';
import App from './App.svelte';
import { app } from './state/app.svelte';
import { live } from './state/live.svelte';

await app.begin();
const target = document.getElementById('app');
if (target) {
  target.replaceChildren();
  mount(App, { target });
  live.begin();
}
