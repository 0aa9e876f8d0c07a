#!/usr/bin/python3
"""Reports as a browser shows them: nothing is asked of a network, every chart has its data, nothing
is wider than a phone, and what is drawn is what metrics.jsonl says.

  browser_test.py PROGRAM

Trains two small networks on synthetic pictures. Exit code 77: skipped, since there is no
python3-selenium, no chromium or no chromedriver (scripts/install-deps --all).
"""
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time

SKIPPED = 77


def skip(reason):
    print(f'SKIPPED: {reason}')
    sys.exit(SKIPPED)


try:
    from selenium import webdriver
    from selenium.common.exceptions import WebDriverException
    from selenium.webdriver.chrome.service import Service
except ImportError:
    skip('there is no python3-selenium')
browser_path, driver_path = shutil.which('chromium'), shutil.which('chromedriver')
if not browser_path or not driver_path:
    skip('there is no chromium or no chromedriver')

failures = []


def check(condition, message):
    if not condition:
        failures.append(message)
        print(f'FAILED: {message}')


CONFIG = '''model: lenet300
data: {{name: synthetic, limit: 2000}}
batch: 50
epochs: 4
seed: {seed}
threads: 1
optimizer:
  SGD: {{lr: 0.05, momentum: 0.9}}
schedule: cosine
compress:
  AGPruner:
    config:
      - {{initial_sparsity: 0, final_sparsity: {sparsity}, start_epoch: 1, end_epoch: 3, frequency: 1,
         support_type: default}}
  QATQuantizer:
    config:
      - {{q_bits: 8, support_type: default}}
'''

# In names of columns of metrics.jsonl; the first data set of each chart.
CHARTED = {'accuracy': 'test_accuracy', 'loss': 'train_loss', 'rate': 'learning_rate',
           'speed': 'images_per_second', 'sparsity': 'sparsity'}

# Every figure for a chart: its kind, run, and the sets of points that are drawn in it.
READ_CHARTS = '''
return [...document.querySelectorAll('[data-chart]')].map((figure) => {
  const chart = Chart.getChart(figure.querySelector('canvas'));
  return {
    kind: figure.dataset.chart, run: Number(figure.dataset.run), layer: figure.dataset.layer,
    sets: chart ? chart.data.datasets.map((set) => ({label: set.label, points: set.data})) : null,
    width: chart ? chart.width : 0,
  };
});'''


def train(program, folder, seed, sparsity, *options):
    config = os.path.join(os.path.dirname(folder), f'seed{seed}.yaml')
    with open(config, 'w') as file:
        file.write(CONFIG.format(seed=seed, sparsity=sparsity))
    command = [program, 'train', config, '--out', folder, *options]
    done = subprocess.run(command, capture_output=True, text=True)
    check(done.returncode == 0, f'{command} ends with {done.returncode}: {done.stderr}')
    return done.stdout


def metrics(folder):
    with open(os.path.join(folder, 'metrics.jsonl')) as file:
        return [json.loads(line) for line in file]


class Browser:
    """A window of some width that keeps account of what a page asks for."""

    def __init__(self):
        options = webdriver.ChromeOptions()
        options.binary_location = browser_path
        # Root may use no sandbox, and containers have little shared memory.
        for argument in ('--headless=new', '--no-sandbox', '--disable-gpu',
                         '--disable-dev-shm-usage', '--disable-background-networking'):
            options.add_argument(argument)
        options.set_capability('goog:loggingPrefs', {'performance': 'ALL', 'browser': 'ALL'})
        try:
            self.driver = webdriver.Chrome(service=Service(driver_path), options=options)
        except WebDriverException as error:  # a container without /proc or a loopback interface, say
            print(f'skipped: the browser does not start here: {error.msg}')
            sys.exit(SKIPPED)

    def open(self, path, width, scheme='light'):
        self.driver.execute_cdp_cmd('Emulation.setDeviceMetricsOverride', {
            'width': width, 'height': 900, 'deviceScaleFactor': 1, 'mobile': width < 600})
        self.driver.execute_cdp_cmd('Emulation.setEmulatedMedia', {
            'features': [{'name': 'prefers-color-scheme', 'value': scheme}]})
        for kind in ('performance', 'browser'):
            self.driver.get_log(kind)
        self.driver.get('file://' + path)

    def script(self, text):
        return self.driver.execute_script(text)

    def requests(self):
        events = [json.loads(entry['message'])['message']
                  for entry in self.driver.get_log('performance')]
        return [event['params']['request']['url'] for event in events
                if event['method'] == 'Network.requestWillBeSent']

    def errors(self):
        return [entry for entry in self.driver.get_log('browser')
                if entry['level'] in ('SEVERE', 'WARNING')]

    def open_everything(self):
        self.script("document.querySelectorAll('details').forEach((each) => { each.open = true; });")
        end = time.time() + 20
        while time.time() < end:
            charts = self.script(READ_CHARTS)
            if all(chart['sets'] is not None for chart in charts):
                return charts
            time.sleep(0.05)
        return self.script(READ_CHARTS)


def same(charted, recorded):
    return len(charted) == len(recorded) and all(a == b for a, b in zip(charted, recorded))


def check_page(browser, path, folders, width, scheme):
    where = f'{os.path.basename(path)} at {width} pixels, {scheme}'
    browser.open(path, width, scheme)
    charts = browser.open_everything()
    check(charts, f'{where}: no charts')
    for chart in charts:
        name = f"{where}: {chart['kind']} of run {chart['run']}"
        drawn = [point['y'] for set in chart['sets'] or [] for point in set['points']
                 if point['y'] is not None and math.isfinite(point['y'])]
        check(drawn, f'{name} has no data')
        check(0 < chart['width'] <= width, f"{name} is {chart['width']} pixels wide")
        if chart['kind'] in CHARTED:
            column = [line[CHARTED[chart['kind']]] for line in metrics(folders[chart['run']])]
            charted = [point['y'] for point in chart['sets'][0]['points']]
            check(same(charted, column), f'{name}: {charted} is drawn, {column} is recorded')
    across = browser.script('return document.documentElement.scrollWidth')
    check(across <= width, f'{where}: the page is {across} pixels wide')
    strangers = [url for url in browser.requests()
                 if url != 'file://' + path and not url.startswith('data:')]
    check(not strangers, f'{where} asks for {strangers}')
    errors = browser.errors()
    check(not errors, f'{where} complains: {errors}')
    return charts


def check_one(browser, path, folder):
    for width in (1280, 390):
        for scheme in ('light', 'dark'):
            charts = check_page(browser, path, [folder], width, scheme)
    kinds = [chart['kind'] for chart in charts]
    for kind in CHARTED:
        check(kinds.count(kind) == 1, f'{kinds.count(kind)} charts of {kind}')
    layers = len(metrics(folder)[-1]['layers'])
    check(kinds.count('histogram') == layers, f"{kinds.count('histogram')} histograms, {layers} layers")
    [accuracy] = [chart for chart in charts if chart['kind'] == 'accuracy']
    dense = [line['test_accuracy'] for line in metrics(os.path.join(folder, 'dense'))]
    check([set['label'] for set in accuracy['sets']] == ['compressed', 'dense'], 'no dense curve')
    check(same([point['y'] for point in accuracy['sets'][-1]['points']], dense), 'another dense curve')
    # The name of a run is never taken for a part of the page.
    title = browser.script("return document.querySelector('h1').textContent")
    check(title == os.path.basename(folder), f'the heading is {title}')
    # A layer that is closed opens when its name in the table is followed.
    browser.open(path, 1280)
    opened = browser.driver.execute_async_script('''
        const done = arguments[0], closed = document.querySelector('details.layer:not([open])');
        document.querySelector(`a[href="#${closed.id}"]`).click();
        setTimeout(() => done(closed.open && Boolean(
            Chart.getChart(closed.querySelector('canvas')))), 300);''')
    check(opened, 'a link does not open its layer')
    # Printed pages are light, and screens as before afterwards.
    browser.open(path, 1280, 'dark')
    paper = '''
        const colour = () => Chart.getChart(document.querySelector('canvas')).data.datasets[0].borderColor;
        const seen = [colour()];
        for (const event of ['beforeprint', 'afterprint']) {
          dispatchEvent(new Event(event));
          seen.push(colour());
        }
        return seen;'''
    screen, print_, after = browser.script(paper)
    check(screen == after != print_, f'colours of a print: {screen}, {print_}, {after}')


def check_several(browser, path, folders):
    for width in (1280, 390):
        charts = check_page(browser, path, folders, width, 'light')
    [pareto] = [chart for chart in charts if chart['kind'] == 'pareto']
    drawn = [point['y'] for point in pareto['sets'][0]['points']]
    last = [metrics(folder)[-1]['test_accuracy'] for folder in folders]
    check(same(drawn, last), f'points at {drawn}, accuracies are {last}')
    [curves] = [chart for chart in charts if chart['kind'] == 'curves']
    for set, folder in zip(curves['sets'], folders):
        recorded = [line['test_accuracy'] for line in metrics(folder)]
        check(same([point['y'] for point in set['points']], recorded), f'another curve of {folder}')
    rows = browser.script('''return [...document.querySelectorAll('#differences tbody th')]
        .map((cell) => cell.textContent)''')
    wanted = ['seed', 'compress.AGPruner.config[0].final_sparsity']
    check(sorted(rows) == sorted(wanted), f'settings that differ: {rows}')


def main(program):
    with tempfile.TemporaryDirectory() as temporary:
        one = os.path.join(temporary, '<img src=x onerror=alert(1)>')
        other = os.path.join(temporary, 'sparser')
        said = train(program, one, 1, 0.8, '--with-dense')
        page = os.path.join(one, 'report.html')
        check('report.html' in said and os.path.exists(page), f'training left no report: {said}')
        said = train(program, other, 2, 0.95, '--no-report')
        check('report.html' not in said and not os.path.exists(os.path.join(other, 'report.html')),
              '--no-report leaves a report')
        both = os.path.join(temporary, 'both.html')
        done = subprocess.run([program, 'report', one, other, '-o', both, '--no-latency'],
                              capture_output=True, text=True)
        check(done.returncode == 0, f'report ends with {done.returncode}: {done.stderr}')
        if failures:
            return
        # Addresses of files have no letters as these.
        plain = os.path.join(temporary, 'one.html')
        shutil.copy(page, plain)
        browser = Browser()
        try:
            check_one(browser, plain, one)
            check_several(browser, both, [one, other])
        finally:
            browser.driver.quit()


main(os.path.abspath(sys.argv[1]))
print('failed' if failures else 'all as it should be')
sys.exit(1 if failures else 0)
