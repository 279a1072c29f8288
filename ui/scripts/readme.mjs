// The pictures of the READMEs: node scripts/readme.mjs http://127.0.0.1:4760 FOLDER. Run by scripts/readme-pictures, over the demo's record.
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { browser } from '../test/browser/house.mjs';

const [base, folder] = process.argv.slice(2);
const BYTES_MAX = 250_000;
const b = await browser();
for (const [locale, end] of [['en-GB', ''], ['ja-JP', '-ja']]) {
  const context = await b.newContext({ viewport: { width: 1440, height: 860 }, colorScheme: 'light', locale, timezoneId: 'UTC', reducedMotion: 'reduce' });
  const page = await context.newPage();
  const take = async (name, height) => {
    await page.setViewportSize({ width: 1440, height });
    await page.waitForTimeout(1000);
    const path = join(folder, `${name}${end}.png`);
    await page.screenshot({ path });
    if (statSync(path).size > BYTES_MAX) throw new Error(`${path} is larger than ${BYTES_MAX} bytes`);
  };
  await page.goto(`${base}/model:delay`);
  await page.locator('canvas[role=application]').waitFor();
  // The panel is whole when it says what changed.
  await page.locator('aside .cause').first().waitFor({ timeout: 60_000 });
  await take('tree', 860);
  await page.goto(`${base}/why/model:delay`);
  await page.locator('#cause-1 .flip').first().waitFor({ timeout: 60_000 });
  await take('why', 720);
  await context.close();
}
await b.close();
