//! `voicesim presets`: published latencies and assumed networks that a scenario can name.

use super::{Failure, Verdict, print_json, print_plain};
use crate::scenario::latency::{Preset, PresetStage, preset, presets};
use crate::scenario::network::NetworkPreset;
use clap::Args;
use serde_json::{Value, json};

#[derive(Debug, Args)]
pub(super) struct Presets {
    /// Preset of a latency to tell all about: what was measured, and what its figures cannot tell
    name: Option<String>,
    /// Print the presets as one JSON document
    #[arg(long)]
    json: bool,
}

impl Presets {
    pub(super) fn run(self) -> Result<Verdict, Failure> {
        let one = self.name.as_deref().map(named).transpose()?;
        match (one, self.json) {
            (Some(preset), true) => print_json(preset)?,
            (Some(preset), false) => print_plain(&whole(preset)),
            (None, true) => print_json(&document())?,
            (None, false) => print_plain(&list()),
        }
        Ok(Verdict::Fine)
    }
}

fn named(name: &str) -> Result<&'static Preset, Failure> {
    preset(name).ok_or_else(|| {
        if NetworkPreset::ALL
            .iter()
            .any(|network| network.name() == name)
        {
            return Failure::Input(format!(
                "{name} is a network, which `voicesim presets` tells all about at its end"
            ));
        }
        // What was typed may be anything, and long.
        let name: String = name.chars().take(40).collect();
        Failure::Input(format!(
            "there is no preset of a latency {name:?}; `voicesim presets` lists them"
        ))
    })
}

/// What the presets of a stage are the latency of.
fn heading(stage: PresetStage) -> &'static str {
    match stage {
        PresetStage::Stt => "[stt] from the end of speech to its transcript",
        PresetStage::Answer => "[answer] from the question to the first piece of the answer",
        PresetStage::Tts => "[tts] from text to the first sound",
        PresetStage::Endpointing => {
            "Endpointing: from the end of speech to the decision that it has ended"
        }
        PresetStage::SpeechToSpeech => {
            "[speech_to_speech] from the end of speech to the first sound of the answer"
        }
        PresetStage::Network => "Networks: from one end of the line to the other",
    }
}

/// When it was measured, for the middle of a line.
fn date(preset: &Preset) -> String {
    match preset.date.starts_with(|c: char| c.is_ascii_digit()) {
        true => preset.date.clone(),
        false => format!("date {}", preset.date),
    }
}

fn list() -> String {
    let mut text =
        "Latencies after figures that others have published: latency = { preset = \"NAME\" } in a table.\n\
         Where they published one figure, the other is assumed; `voicesim presets NAME` says so.\n"
            .to_owned();
    for stage in PresetStage::ALL {
        let mut of_stage = presets()
            .iter()
            .filter(|preset| preset.stage == stage)
            .peekable();
        if of_stage.peek().is_some() {
            text += &format!("\n{}\n", heading(stage));
        }
        for preset in of_stage {
            text += &format!(
                "  {}\n      {}\n      {}, {}, {}\n",
                preset.name,
                preset.model.describe(),
                preset.by,
                date(preset),
                preset.source
            );
        }
    }
    text += &format!(
        "\nNetworks, the same both ways: preset = \"NAME\" in [network]\n({})\n\n",
        NetworkPreset::SOURCE
    );
    for network in NetworkPreset::ALL {
        text += &format!("  {}\n", network.name());
        for line in network.way().describe() {
            text += &format!("      {line}\n");
        }
    }
    text + "\n`voicesim presets NAME` tells what was measured, and what the figures cannot tell.\n"
}

fn whole(preset: &Preset) -> String {
    format!(
        "{}\n{}\n\n  figures   {}\n  measured  {}\n  by        {}, {}\n  source    {}\n  note      {}\n",
        preset.name,
        heading(preset.stage),
        preset.model.describe(),
        preset.measured,
        preset.by,
        date(preset),
        preset.source,
        preset.note
    )
}

fn document() -> Value {
    let network = |network: NetworkPreset| {
        json!({
            "name": network.name(),
            "each_way": network.way(),
            "source": NetworkPreset::SOURCE,
        })
    };
    json!({
        "schema": "voicesim.presets/1",
        "latency": presets(),
        "network": NetworkPreset::ALL.map(network),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_reads_like_this() {
        insta::assert_snapshot!(list());
    }

    #[test]
    fn one_preset_reads_like_this() {
        insta::assert_snapshot!(whole(named("moshi").expect("a preset")));
    }

    #[test]
    fn every_preset_is_listed_in_text_and_as_json() {
        let (text, json) = (list(), document());
        for preset in presets() {
            assert!(
                text.contains(&format!("\n  {}\n", preset.name)),
                "{}",
                preset.name
            );
        }
        assert_eq!(
            json["latency"].as_array().map(Vec::len),
            Some(presets().len())
        );
        assert_eq!(json["network"][0]["each_way"]["jitter_buffer_ms"], 40.0);
    }

    #[test]
    fn a_name_that_is_none_is_told_where_they_are() {
        let refused = named("deepgram").expect_err("no preset").to_string();
        assert!(refused.contains("`voicesim presets`"), "{refused}");
    }
}
