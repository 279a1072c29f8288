import { graphAhead } from './api';
import { parse, readTree, treeQuestion } from './router';

// What takes longest is asked for first: the tree comes while the rest of the page is still being loaded.
const route = parse(location.pathname);
if (route.page === 'thing' && route.tab === 'tree') graphAhead(treeQuestion(route.thing, readTree(new URLSearchParams(location.search))));
void import('./page');
