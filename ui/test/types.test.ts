import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { expect, it } from 'vitest';

/** What the server says its answers look like: `crates/server/openapi.json`, which a test there holds against the answers themselves. */
interface Schema {
  $ref?: string;
  anyOf?: Schema[];
  type?: string | string[];
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
}
const here = import.meta.dirname;
const document = JSON.parse(readFileSync(join(here, '../../crates/server/openapi.json'), 'utf8'));
const schemas: Record<string, Schema> = document.components.schemas;

const file = join(here, '../src/types.ts');
const program = ts.createProgram([file], { strict: true, target: ts.ScriptTarget.ES2022, skipLibCheck: true });
const checker = program.getTypeChecker();
const source = program.getSourceFile(file) as ts.SourceFile;

function resolved(schema: Schema): Schema {
  return schema.$ref ? resolved(schemas[schema.$ref.replace('#/components/schemas/', '')] ?? {}) : schema;
}
/** The kinds of values that a schema lets through; nothing where it says nothing. */
function told(schema: Schema): Set<string> {
  const s = resolved(schema);
  if (s.anyOf) return new Set(s.anyOf.flatMap((one) => [...told(one)]));
  return new Set([s.type ?? []].flat().map((type) => (type === 'integer' ? 'number' : type)));
}
/** The kinds of values that the page expects; nothing where it expects nothing in particular. */
function expected(type: ts.Type): Set<string> {
  if (type.flags & (ts.TypeFlags.Unknown | ts.TypeFlags.Any)) return new Set();
  const all = type.isUnion() ? type.types : [type];
  const kind = (t: ts.Type) => {
    if (t.flags & ts.TypeFlags.Undefined) return [];
    if (t.flags & ts.TypeFlags.Null) return ['null'];
    if (t.flags & ts.TypeFlags.StringLike) return ['string'];
    if (t.flags & ts.TypeFlags.NumberLike) return ['number'];
    if (t.flags & ts.TypeFlags.BooleanLike) return ['boolean'];
    return [checker.isArrayType(t) || checker.isTupleType(t) ? 'array' : 'object'];
  };
  return new Set(all.flatMap(kind));
}

it('the page expects of answers what the server tells', () => {
  const faults: string[] = [];
  let compared = 0;
  const compare = (at: string, type: ts.Type, schema: Schema, depth: number) => {
    const s = resolved(schema);
    if (!s.properties || depth > 4) return;
    for (const property of checker.getPropertiesOfType(type)) {
      const name = `${at}.${property.name}`;
      const theirs = s.properties[property.name];
      const optional = (property.flags & ts.SymbolFlags.Optional) !== 0;
      if (!theirs) {
        faults.push(`${name}: the server tells no such thing`);
        continue;
      }
      compared++;
      if (!optional && !s.required?.includes(property.name)) faults.push(`${name}: the server may leave it out`);
      const own = checker.getTypeOfSymbol(property);
      const [want, have] = [expected(own), told(theirs)];
      if (!want.size || !have.size) continue;
      for (const kind of have) if (!want.has(kind)) faults.push(`${name}: the server may tell a ${kind}, the page expects ${[...want].join(' or ')}`);
      const inner = checker.getNonNullableType(own);
      const deeper = [theirs, ...(resolved(theirs).anyOf ?? [])].map(resolved).find((one) => one.properties ?? one.items);
      if (!deeper) continue;
      if (deeper.items && checker.isArrayType(inner)) compare(`${name}[]`, checker.getTypeArguments(inner as ts.TypeReference)[0], deeper.items, depth + 1);
      else compare(name, inner, deeper, depth + 1);
    }
  };
  const named = new Set<string>();
  ts.forEachChild(source, (node) => {
    if (!ts.isInterfaceDeclaration(node) || node.typeParameters) return;
    const schema = schemas[node.name.text];
    if (!schema) return;
    named.add(node.name.text);
    compare(node.name.text, checker.getTypeAtLocation(node), schema, 0);
  });
  expect(faults).toEqual([]);
  expect(named.size).toBeGreaterThan(15);
  expect(compared).toBeGreaterThan(150);
});
