#include "train/html_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>

namespace patina::train {
namespace {

constexpr double kWidth = 760;
constexpr double kHeight = 280;
constexpr double kMargin = 56;
constexpr size_t kMostPoints = 1500;  // of a curve; more cannot be told apart

constexpr std::string_view kStyle =
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60em;margin:2em auto;padding:0 1em;color:#222;background:#fff}"
    "h1{font-size:1.5em}h2{font-size:1.15em;margin-top:2em}table{border-collapse:collapse}"
    "td,th{padding:.2em .8em .2em 0;text-align:left;vertical-align:top}th{font-weight:600}"
    "pre{background:#f4f4f4;padding:.6em;overflow-x:auto;white-space:pre-wrap}svg{width:100%;height:auto}"
    ".grid{stroke:#ddd}.raw{stroke:#9bc;stroke-width:1;fill:none}.line{stroke:#16a;stroke-width:2;fill:none}"
    ".kept{stroke:#c52;stroke-width:2;fill:none}.dot{fill:#c52}text{font-size:12px;fill:#555}";

// From steps and values to places in the picture.
class Frame {
 public:
  explicit Frame(const std::vector<const std::vector<LossPoint>*>& curves) {
    bool first = true;
    for (const std::vector<LossPoint>* curve : curves) {
      for (const LossPoint& point : *curve) {
        if (!std::isfinite(point.loss)) continue;
        last_step_ = std::max(last_step_, static_cast<double>(point.step));
        low_ = first ? point.loss : std::min(low_, point.loss);
        high_ = first ? point.loss : std::max(high_, point.loss);
        first = false;
      }
    }
    low_ = std::min(low_, 0.0);
    if (high_ <= low_) high_ = low_ + 1;
  }

  double x(double step) const { return kMargin + step / last_step_ * (kWidth - 1.5 * kMargin); }
  double y(double value) const { return kHeight - kMargin / 2 - (value - low_) / (high_ - low_) * (kHeight - kMargin); }

  std::string grid() const {
    constexpr int kLines = 4;
    std::string svg;
    for (int i = 0; i <= kLines; ++i) {
      const double value = low_ + (high_ - low_) * i / kLines;
      svg += fmt::format(
          "<line class=\"grid\" x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>"
          "<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"end\">{:.3g}</text>",
          x(0), x(last_step_), y(value), y(value), x(0) - 6, y(value) + 4, value);
      const double step = std::round(last_step_ * i / kLines);
      svg += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{:.0f}</text>", x(step), kHeight - 8,
                         step);
    }
    return svg;
  }

  std::string curve(const std::vector<LossPoint>& points, std::string_view style) const {
    std::string list;
    const size_t stride = points.size() / kMostPoints + 1;
    for (size_t i = 0; i < points.size(); ++i) {
      const bool shown = i % stride == 0 || i + 1 == points.size();
      if (!shown || !std::isfinite(points[i].loss)) continue;
      list += fmt::format("{:.1f},{:.1f} ", x(static_cast<double>(points[i].step)), y(points[i].loss));
    }
    return fmt::format("<polyline class=\"{}\" points=\"{}\"/>", style, list);
  }

  std::string dots(const std::vector<LossPoint>& points) const {
    std::string svg;
    for (const LossPoint& point : points) {
      if (!std::isfinite(point.loss)) continue;
      svg += fmt::format(
          "<circle class=\"dot\" r=\"3\" cx=\"{:.1f}\" cy=\"{:.1f}\"><title>step {}: {:.4f}</title></circle>",
          x(static_cast<double>(point.step)), y(point.loss), point.step, point.loss);
    }
    return svg;
  }

 private:
  double last_step_ = 1;
  double low_ = 0;
  double high_ = 0;
};

std::string picture(const std::string& content, std::string_view label) {
  return fmt::format("<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">{}</svg>\n", kWidth, kHeight, label,
                     content);
}

std::string loss_picture(const RunHistory& history) {
  const Frame frame({&history.steps, &history.evaluations});
  std::string svg = frame.grid() + frame.curve(history.steps, "raw") + frame.curve(smoothed(history.steps), "line");
  if (!history.evaluations.empty()) svg += frame.curve(history.evaluations, "kept") + frame.dots(history.evaluations);
  return picture(svg, "loss by step");
}

std::string table(const std::vector<ReportRow>& rows) {
  std::string html = "<table>\n";
  for (const ReportRow& row : rows) {
    html += fmt::format("<tr><th>{}</th><td>{}</td></tr>\n", html_escaped(row.name), html_escaped(row.value));
  }
  return html + "</table>\n";
}

std::string sample_table(const std::vector<ReportSample>& samples) {
  std::string html = "<table>\n<tr><th>when</th><th>prompt</th><th>answer</th></tr>\n";
  for (const ReportSample& sample : samples) {
    html += fmt::format("<tr><td>{}</td><td>{}</td><td>{}</td></tr>\n", html_escaped(sample.when),
                        html_escaped(sample.prompt), html_escaped(sample.answer));
  }
  return html + "</table>\n";
}

}  // namespace

std::string html_escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      default:
        result += c;
    }
  }
  return result;
}

std::string html_report(const ReportContents& contents) {
  const std::string title = html_escaped(contents.title);
  std::string html = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" "
      "content=\"width=device-width\">\n<title>{}</title>\n<style>{}</style>\n</head>\n<body>\n<h1>{}</h1>\n",
      title, kStyle, title);
  html += table(contents.results);
  html += "<h2>Loss</h2>\n<p>Of each step, thin; smoothed, bold";
  html += contents.history.evaluations.empty() ? ".</p>\n" : "; of the rows kept apart, with dots.</p>\n";
  html += loss_picture(contents.history);
  const Frame rates({&contents.history.rates});
  html += "<h2>Learning rate</h2>\n";
  html += picture(rates.grid() + rates.curve(contents.history.rates, "line"), "learning rate by step");
  if (!contents.samples.empty()) html.append("<h2>Answers</h2>\n").append(sample_table(contents.samples));
  html += "<h2>Use it</h2>\n<pre>";
  for (const std::string& command : contents.commands) html.append(html_escaped(command)).append("\n");
  html += "</pre>\n<h2>Settings</h2>\n";
  return html + table(contents.settings) + "</body>\n</html>\n";
}

}  // namespace patina::train
